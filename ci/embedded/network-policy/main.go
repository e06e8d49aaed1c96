// network-policy enforces the NetworkPolicies of a single-node cluster with iptables and ipset.
//
// The controller is kube-router's, in the form in which k3s embeds it. This program links it alone,
// without kube-router's routing and service proxy, which would bring BGP and clouds' libraries along.
//
//	network-policy KUBECONFIG NODE SERVICE_NETWORK
//
// It begins when the node has an address, says `enforcing` when the rules of all that is there are set,
// and runs until it is killed.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/cloudnativelabs/kube-router/v2/pkg/controllers/netpol"
	"github.com/cloudnativelabs/kube-router/v2/pkg/healthcheck"
	"github.com/cloudnativelabs/kube-router/v2/pkg/options"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	nodeLimit  = 90 * time.Second
	cacheLimit = 60 * time.Second
	askEvery   = 200 * time.Millisecond
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: network-policy KUBECONFIG NODE SERVICE_NETWORK")
		os.Exit(2)
	}
	if err := enforce(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "enforcing network policies:", err)
		os.Exit(1)
	}
}

func enforce(kubeconfig, node, serviceNetwork string) error {
	access, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(access)
	if err != nil {
		return err
	}
	// What is there already is read while the node is still on its way.
	stop := make(chan struct{})
	factory := informers.NewSharedInformerFactory(client, 0)
	pods := factory.Core().V1().Pods().Informer()
	namespaces := factory.Core().V1().Namespaces().Informer()
	policies := factory.Networking().V1().NetworkPolicies().Informer()
	factory.Start(stop)
	if err := waitForAddress(client, node); err != nil {
		return err
	}
	if err := waitForCaches(pods.HasSynced, namespaces.HasSynced, policies.HasSynced); err != nil {
		return err
	}

	config := options.NewKubeRouterConfig()
	config.ClusterIPCIDRs = []string{serviceNetwork}
	config.EnableIPv4 = true
	config.HostnameOverride = node
	tables, sets, err := netpol.NewIPTablesHandlers(config)
	if err != nil {
		return err
	}
	controller, err := netpol.NewNetworkPolicyController(
		client, config, pods, policies, namespaces, &sync.Mutex{}, nil, tables, sets)
	if err != nil {
		return err
	}
	for informer, handler := range map[cache.SharedIndexInformer]cache.ResourceEventHandler{
		pods: controller.PodEventHandler, namespaces: controller.NamespaceEventHandler, policies: controller.NetworkPolicyEventHandler,
	} {
		if _, err := informer.AddEventHandler(handler); err != nil {
			return err
		}
	}
	// Each beat is the beginning of one round over all rules: the second one tells that the first has ended.
	beats := make(chan *healthcheck.ControllerHeartbeat)
	var group sync.WaitGroup
	group.Add(1)
	go controller.Run(beats, stop, &group)
	<-beats
	controller.RequestFullSync()
	<-beats
	fmt.Println("enforcing")
	for range beats {
	}
	return nil
}

func waitForAddress(client kubernetes.Interface, node string) error {
	ctx, cancel := context.WithTimeout(context.Background(), nodeLimit)
	defer cancel()
	last := errors.New("it has no address yet")
	for {
		found, err := client.CoreV1().Nodes().Get(ctx, node, meta.GetOptions{})
		if err == nil {
			for _, address := range found.Status.Addresses {
				if address.Type == core.NodeInternalIP {
					return nil
				}
			}
		} else if ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("gave up waiting for the node %s after %s: %w", node, nodeLimit, last)
		case <-time.After(askEvery):
		}
	}
}

func waitForCaches(synced ...cache.InformerSynced) error {
	ctx, cancel := context.WithTimeout(context.Background(), cacheLimit)
	defer cancel()
	if !cache.WaitForCacheSync(ctx.Done(), synced...) {
		return fmt.Errorf("gave up waiting for the API server to list pods, namespaces and policies after %s", cacheLimit)
	}
	return nil
}
