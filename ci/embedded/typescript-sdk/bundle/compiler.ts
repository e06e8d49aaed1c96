// Stands in for TypeScript's compiler where the SDK scans a module: it reads the language's own types alone.
// By default it reads the browser's and every @types package as well, which takes longer than all else, and no
// function of a module can have such a type.
import ts from "typescript"

const createProgram = (files: readonly string[], options: ts.CompilerOptions): ts.Program =>
  ts.createProgram(files, { ...options, lib: ["lib.es2022.d.ts", "lib.decorators.d.ts"], types: [] })

export default { ...ts, createProgram }
