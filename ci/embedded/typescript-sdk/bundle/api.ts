// Stands in for the package's own client: a module has its generated one, and one is enough.
export let dag: any
export let Client: any
export let TypeDefKind: any
export let FunctionCachePolicy: any

/** Sets the module's generated client as the one that the SDK itself works with. */
export function useClient(client: any): void {
  ;({ dag, Client, TypeDefKind, FunctionCachePolicy } = client)
}
