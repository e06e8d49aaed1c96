// Package main is the TypeScript SDK of the embedded engine: it runs the same
// modules as Dagger's own TypeScript SDK, whose images cannot be had without a
// registry, from parts of package registries (see ci/engine/sdk.ts).
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path"

	"typescript-sdk/internal/dagger"
)

const (
	src        = "/src"
	generated  = "sdk"
	ready      = ".dagger-run"
	schemaPath = "/schema.json"
	partsPath  = "/run/sdk"
	sdkPackage = "node_modules/@dagger.io/dagger"
)

const indexFile = `export * from "./core.js"
export type { ConnectOpts, CallbackFct } from "./core.js"
export * from "./client.gen.js"
`

const telemetryFile = `import { getTracer } from "./core.js"
export { getTracer }
`

// packageFile and friends are what a module's npm dependency finds as @dagger.io/dagger while the module runs.
const packageFile = `{
  "name": "@dagger.io/dagger",
  "type": "module",
  "exports": { ".": "./index.js", "./telemetry": "./index.js" }
}
`

const tsconfigFile = `{
  "compilerOptions": {
    "target": "ES2022",
    "moduleResolution": "Node",
    "experimentalDecorators": true,
    "strict": true,
    "skipLibCheck": true,
    "paths": {
      "@dagger.io/dagger": ["./sdk/index.ts"],
      "@dagger.io/dagger/telemetry": ["./sdk/telemetry.ts"]
    }
  }
}
`

type TypescriptSdk struct {
	// +private
	Parts *dagger.Directory
}

func New(sdkSourceDir *dagger.Directory) *TypescriptSdk {
	return &TypescriptSdk{Parts: sdkSourceDir}
}

// module is what must be known of the user's module before it can run.
type module struct {
	name    string
	path    string
	source  *dagger.Directory
	install bool
	lock    bool
	hasPkg  bool
	hasTS   bool
	// typescript is set where the module itself asks for the compiler, which comes with the SDK.
	typescript bool
}

func read(ctx context.Context, modSource *dagger.ModuleSource) (*module, error) {
	name, err := modSource.ModuleOriginalName(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the module's name: %w", err)
	}
	sub, err := modSource.SourceSubpath(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the module's source path: %w", err)
	}
	m := &module{name: name, path: path.Join(src, sub), source: modSource.ContextDirectory().Directory(sub)}
	entries, err := m.source.Entries(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the module's source: %w", err)
	}
	for _, entry := range entries {
		switch entry {
		case "package.json":
			m.hasPkg = true
		case "package-lock.json":
			m.lock = true
		case "tsconfig.json":
			m.hasTS = true
		}
	}
	if !m.hasPkg {
		return m, nil
	}
	text, err := m.source.File("package.json").Contents(ctx)
	if err != nil {
		return nil, fmt.Errorf("read package.json: %w", err)
	}
	var pkg struct {
		Dependencies map[string]string `json:"dependencies"`
	}
	if err := json.Unmarshal([]byte(text), &pkg); err != nil {
		return nil, fmt.Errorf("parse package.json: %w", err)
	}
	_, m.typescript = pkg.Dependencies["typescript"]
	for dependency := range pkg.Dependencies {
		// Both come with the SDK, as they do in Dagger's own.
		if dependency != "typescript" && dependency != "@dagger.io/dagger" {
			m.install = true
		}
	}
	return m, nil
}

func (t *TypescriptSdk) node() *dagger.Container {
	return dag.Container().Import(t.Parts.File("node.oci.tar"))
}

// library is the `sdk` folder beside the module's `src`.
func (t *TypescriptSdk) library(m *module, introspection *dagger.File) *dagger.Directory {
	client := t.node().
		WithMountedFile("/usr/local/bin/codegen", t.Parts.File("codegen")).
		WithMountedFile(schemaPath, introspection).
		WithWorkdir(m.path).
		WithExec([]string{
			"codegen", "generate-module", "--lang", "typescript", "--bundle",
			"--output", src, "--module-name", m.name, "--module-source-path", m.path,
			"--introspection-json-path", schemaPath,
		}, dagger.ContainerWithExecOpts{ExperimentalPrivilegedNesting: true}).
		Directory(m.path).File("sdk/src/api/client.gen.ts")
	return t.Parts.Directory("library").
		WithNewFile("index.ts", indexFile).
		WithNewFile("telemetry.ts", telemetryFile).
		WithFile("client.gen.ts", client)
}

// dependencies holds node_modules with what the module's package.json asks for.
func (t *TypescriptSdk) dependencies(m *module) *dagger.Container {
	ctr := t.node().WithWorkdir(m.path)
	if !m.hasPkg {
		return ctr.WithNewFile("package.json", `{"type": "module"}`)
	}
	files := []string{"package.json", "package-lock.json", ".npmrc"}
	ctr = ctr.WithDirectory(".", m.source, dagger.ContainerWithDirectoryOpts{Include: files})
	if !m.install {
		return ctr
	}
	command := "install"
	if m.lock {
		command = "ci"
	}
	return ctr.
		WithMountedCache("/root/.npm", dag.CacheVolume("golden-path-sdk-npm")).
		WithMountedDirectory("/run/host", t.Parts.Directory("host")).
		WithEnvVariable("NPM_CONFIG_GLOBALCONFIG", "/run/host/npmrc").
		WithEnvVariable("NODE_EXTRA_CA_CERTS", "/etc/ssl/certs/ca-certificates.crt").
		WithExec([]string{"npm", command, "--omit=dev", "--no-audit", "--no-fund"}).
		WithoutEnvVariable("NPM_CONFIG_GLOBALCONFIG").
		WithoutMount("/run/host").
		WithoutMount("/root/.npm")
}

// prepared holds what a module runs from: its code and its generated client as one file of
// JavaScript each, its types as JSON, and V8's compilation of them. Made once for each content of the module.
func (t *TypescriptSdk) prepared(m *module, dependencies *dagger.Container, library *dagger.Directory) *dagger.Directory {
	ctr := dependencies.
		WithMountedDirectory(partsPath, t.Parts.Directory("prepare")).
		WithMountedDirectory(sdkPackage, library).
		WithDirectory(".", m.source, ownFiles()).
		WithMountedDirectory(generated, library)
	if !m.hasTS {
		ctr = ctr.WithNewFile("tsconfig.json", tsconfigFile)
	}
	return ctr.
		// V8's compilation of the compiler itself.
		WithMountedCache("/run/compiled", dag.CacheVolume("golden-path-sdk-compiled")).
		WithEnvVariable("NODE_COMPILE_CACHE", "/run/compiled").
		WithExec([]string{"node", path.Join(partsPath, "prepare.js"), m.path, m.name, path.Join(m.path, ready)}).
		Directory(path.Join(m.path, ready))
}

// ModuleRuntime returns the container whose entrypoint registers the module or runs one of its functions.
func (t *TypescriptSdk) ModuleRuntime(ctx context.Context, modSource *dagger.ModuleSource, introspectionJson *dagger.File) (*dagger.Container, error) {
	m, err := read(ctx, modSource)
	if err != nil {
		return nil, err
	}
	dependencies := t.dependencies(m)
	if m.typescript {
		dependencies = dependencies.WithMountedDirectory("node_modules/typescript", t.Parts.Directory("prepare/node_modules/typescript"))
	}
	run := path.Join(m.path, ready)
	return dependencies.
		WithDirectory(".", m.source, ownFiles()).
		WithDirectory(run, t.prepared(m, dependencies, t.library(m, introspectionJson))).
		WithNewFile(path.Join(sdkPackage, "package.json"), packageFile).
		WithNewFile(path.Join(sdkPackage, "index.js"), fmt.Sprintf("export * from %q\n", path.Join(run, "sdk.js"))).
		WithEnvVariable("NODE_EXTRA_CA_CERTS", "/etc/ssl/certs/ca-certificates.crt").
		WithEntrypoint([]string{"node", "--no-deprecation", "--enable-source-maps", path.Join(run, "main.js")}), nil
}

// ownFiles are the module's files without what is made from them.
func ownFiles() dagger.ContainerWithDirectoryOpts {
	return dagger.ContainerWithDirectoryOpts{Exclude: []string{"node_modules", generated, ready, ".git"}}
}

// Codegen returns what an editor needs beside the module's own files.
func (t *TypescriptSdk) Codegen(ctx context.Context, modSource *dagger.ModuleSource, introspectionJson *dagger.File) (*dagger.GeneratedCode, error) {
	m, err := read(ctx, modSource)
	if err != nil {
		return nil, err
	}
	sub, err := modSource.SourceSubpath(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the module's source path: %w", err)
	}
	// The module's own files stand beside what is generated: this is what CurrentModule().Source() hands out.
	own := dagger.DirectoryWithDirectoryOpts{Exclude: []string{"node_modules", generated, ready, ".git"}}
	code := dag.Directory().
		WithDirectory(".", m.source, own).
		WithDirectory(generated, t.library(m, introspectionJson))
	if !m.hasPkg {
		code = code.WithNewFile("package.json", "{\n  \"type\": \"module\"\n}\n")
	}
	if !m.hasTS {
		code = code.WithNewFile("tsconfig.json", tsconfigFile)
	}
	found, err := m.source.Glob(ctx, "src/**/*.ts")
	if err != nil {
		return nil, fmt.Errorf("list the module's files: %w", err)
	}
	if len(found) == 0 {
		code = code.WithNewFile("src/index.ts", template(m.name))
	}
	return dag.GeneratedCode(dag.Directory().WithDirectory(sub, code)).
		WithVCSGeneratedPaths([]string{generated + "/**"}).
		WithVCSIgnoredPaths([]string{generated, "**/node_modules/**"}), nil
}
