// signature-policy refuses pods whose images are not signed as a ClusterImagePolicy demands.
//
// It is sigstore's policy-controller with the parts that a key pair needs: its validation, the reconciler of
// ClusterImagePolicies and the certificates of its webhook. What stays out is TUF and everything that is asked of
// Fulcio and Rekor, the KMS providers, the conversion of older objects, and the resolving of tags, which the
// platform's other policies refuse anyway.
//
//	PLAIN_REGISTRY=registry.golden-path.internal=registry:5000 signature-policy
//
// PLAIN_REGISTRY leads the requests for one registry to where it answers by plain http, as the container runtime's
// hosts.toml does; without it every registry is asked by https.
package main

import (
	"context"
	"log"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/sigstore/policy-controller/pkg/apis/config"
	podscalable "github.com/sigstore/policy-controller/pkg/apis/duck/v1beta1"
	"github.com/sigstore/policy-controller/pkg/apis/policy/common"
	policyconfig "github.com/sigstore/policy-controller/pkg/config"
	"github.com/sigstore/policy-controller/pkg/reconciler/clusterimagepolicy"
	policywebhook "github.com/sigstore/policy-controller/pkg/webhook"
	admission "k8s.io/api/admissionregistration/v1"
	apps "k8s.io/api/apps/v1"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	duck "knative.dev/pkg/apis/duck/v1"
	kubeclient "knative.dev/pkg/client/injection/kube/client"
	"knative.dev/pkg/configmap"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/injection/sharedmain"
	"knative.dev/pkg/logging"
	"knative.dev/pkg/signals"
	"knative.dev/pkg/webhook"
	"knative.dev/pkg/webhook/certificates"
	"knative.dev/pkg/webhook/resourcesemantics"
	"knative.dev/pkg/webhook/resourcesemantics/validation"
)

const (
	// As upstream's own installation names them.
	name    = "policy.sigstore.dev"
	service = "webhook"
	secret  = "webhook-certs"
	port    = 8443
)

func main() {
	if rule := os.Getenv("PLAIN_REGISTRY"); rule != "" {
		from, to, found := strings.Cut(rule, "=")
		if !found || from == "" || to == "" {
			log.Fatalf("PLAIN_REGISTRY is %q; write <registry>=<host>:<port>", rule)
		}
		remote.DefaultTransport = plainly{from, to, remote.DefaultTransport}
	}
	common.ValidResourceNames = sets.NewString("replicasets", "deployments", "pods", "cronjobs", "jobs", "statefulsets", "daemonsets")
	ctx := webhook.WithOptions(signals.NewContext(), webhook.Options{ServiceName: service, SecretName: secret, Port: port})
	ctx = clusterimagepolicy.ToContext(ctx, 10*time.Hour)
	// One replica: nobody to elect a leader with.
	sharedmain.MainWithContext(sharedmain.WithHADisabled(ctx), "policy-controller",
		certificates.NewController, validating, clusterimagepolicy.NewController)
}

// plainly asks one registry by plain http, wherever it is.
type plainly struct {
	from, to string
	next     http.RoundTripper
}

func (p plainly) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.Host != p.from {
		return p.next.RoundTrip(request)
	}
	plain := request.Clone(request.Context())
	plain.URL.Scheme, plain.URL.Host, plain.Host = "http", p.to, p.from
	return p.next.RoundTrip(plain)
}

// What upstream judges, and when: objects as they are made and changed, pods also when a container joins them.
type workload struct{ resourcesemantics.GenericCRD }

func (workload) SupportedSubResources() []string { return []string{""} }
func (workload) SupportedVerbs() []admission.OperationType {
	return []admission.OperationType{admission.Create, admission.Update}
}

type pod struct{ workload }

func (pod) SupportedSubResources() []string { return []string{"/ephemeralcontainers", ""} }

var judged = map[schema.GroupVersionKind]resourcesemantics.GenericCRD{
	core.SchemeGroupVersion.WithKind("Pod"):         pod{workload{&duck.Pod{}}},
	apps.SchemeGroupVersion.WithKind("ReplicaSet"):  workload{&podscalable.PodScalable{}},
	apps.SchemeGroupVersion.WithKind("Deployment"):  workload{&podscalable.PodScalable{}},
	apps.SchemeGroupVersion.WithKind("StatefulSet"): workload{&podscalable.PodScalable{}},
	apps.SchemeGroupVersion.WithKind("DaemonSet"):   workload{&duck.WithPod{}},
	batch.SchemeGroupVersion.WithKind("Job"):        workload{&duck.WithPod{}},
	batch.SchemeGroupVersion.WithKind("CronJob"):    workload{&duck.CronJob{}},
}

func validating(ctx context.Context, watcher configmap.Watcher) *controller.Impl {
	logger := logging.FromContext(ctx)
	policies := config.NewStore(logger)
	policies.WatchConfigs(watcher)
	settings := policyconfig.NewStore(logger)
	settings.WatchConfigs(watcher)
	client := kubeclient.Get(ctx)
	validator := policywebhook.NewValidator(ctx)
	return validation.NewAdmissionController(ctx, name, "/validations", judged, func(ctx context.Context) context.Context {
		ctx = context.WithValue(ctx, kubeclient.Key{}, client)
		ctx = settings.ToContext(policies.ToContext(ctx))
		ctx = podscalable.WithPodScalableValidator(ctx, validator.ValidatePodScalable)
		ctx = duck.WithPodValidator(ctx, validator.ValidatePod)
		ctx = duck.WithPodSpecValidator(ctx, validator.ValidatePodSpecable)
		return duck.WithCronJobValidator(ctx, validator.ValidateCronJob)
	}, false)
}
