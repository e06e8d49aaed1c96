// Stands in for TypeScript's compiler where the SDK scans a module: it reads the language's own types alone.
// By default it reads the browser's and every @types package as well, which takes longer than all else.
import ts from "typescript"

/** Set where the language's own types were not enough: a function whose result is inferred may be of another. */
export const reading = { everything: false }

const createProgram = (files: readonly string[], options: ts.CompilerOptions): ts.Program =>
  ts.createProgram(files, reading.everything ? options : { ...options, lib: ["lib.es2022.d.ts", "lib.decorators.d.ts"], types: [] })

export default { ...ts, createProgram }
