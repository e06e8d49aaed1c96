// Package distconsts tells the Dagger engine where its parts are on the host.
//
// The module github.com/dagger/dagger/engine/distconsts is not published; this
// one stands in for it. Everything lies under /run/golden-path, a mount point
// that the engine's private mount namespace fills from the state folder
// (ci/engine/engine.ts), so that the paths are the same whatever folder the
// user chose and two engines can run side by side.
package distconsts

const (
	EngineContainerName                = "dagger-engine.local"
	DefaultEngineSockAddr              = "unix:///run/golden-path/run/engine.sock"
	RuncPath                           = "/usr/sbin/runc"
	DaggerInitPath                     = "/run/golden-path/bin/init"
	EngineDefaultStateDir              = "/run/golden-path/engine"
	EngineContainerBuiltinContentDir   = "/run/golden-path/content"
	EngineCustomCACertsDir             = "/run/golden-path/ca-certificates"
	GoSDKManifestDigestEnvName         = "DAGGER_GO_SDK_MANIFEST_DIGEST"
	PythonSDKManifestDigestEnvName     = "DAGGER_PYTHON_SDK_MANIFEST_DIGEST"
	TypescriptSDKManifestDigestEnvName = "DAGGER_TYPESCRIPT_SDK_MANIFEST_DIGEST"
	OCIVersionAnnotation               = "org.opencontainers.image.version"

	// Named by code paths that only build Dagger itself; never pulled here.
	AlpineVersion  = "3.22.1"
	AlpineImage    = "alpine:" + AlpineVersion
	GolangVersion  = "1.26.1"
	GolangImage    = "golang:" + GolangVersion + "-alpine"
	BusyboxVersion = "1.37.0"
	BusyboxImage   = "busybox:" + BusyboxVersion
)
