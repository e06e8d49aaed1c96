// Stands in for the package's own: inside a module there is always a session.
export function withEngineSession(): never {
  throw new Error("connect to the engine: DAGGER_SESSION_PORT is not set; a module's code runs inside a function call only")
}
