import { connection } from "@dagger.io/dagger/dist/src/connect.js"
import { ExecError, GraphQLRequestError } from "@dagger.io/dagger/dist/src/common/errors/index.js"
import { globalConnection } from "@dagger.io/dagger/dist/src/common/graphql/connection.js"
import { invoke } from "@dagger.io/dagger/dist/src/module/entrypoint/invoke.js"
import { Register } from "@dagger.io/dagger/dist/src/module/entrypoint/register.js"
import { Executor } from "@dagger.io/dagger/dist/src/module/executor.js"
import * as telemetry from "@dagger.io/dagger/dist/src/telemetry/telemetry.js"
import { dag, useClient } from "./api.ts"
import { revive } from "./description.ts"

interface Call {
  parentName: string
  name: string
  parent: string
  inputArgs: { name: string; value: string }[]
}

/**
 * Registers the module's types or runs one of its functions, whichever the engine asks for.
 *
 * @param client The module's generated client
 * @param description The module's types, as prepare.ts wrote them
 * @param load Loads the module's own code
 */
export async function start(client: object, description: Record<string, unknown>, load: () => Promise<{ modules: unknown[] }>): Promise<void> {
  useClient(client)
  const module = revive(description)
  await connection(async () => {
    // The engine is asked while the module's code is loaded.
    const asked = currentCall()
    asked.catch(() => undefined)
    const { modules } = await load()
    const call = await asked
    const result = call.parentName === "" ? await new Register(module).run() : await run(call, module, modules)
    await dag.currentFunctionCall().returnValue(JSON.stringify(result ?? null))
  }, { LogOutput: process.stdout })
}

/** What is to be run, in one request: the client would ask for each part of each argument. */
async function currentCall(): Promise<Call> {
  const query = "{ currentFunctionCall { parentName name parent inputArgs { name value } } }"
  const answer = await globalConnection.getGQLClient().request<{ currentFunctionCall: Call }>(query)
  return answer.currentFunctionCall
}

async function run(call: Call, module: any, modules: any[]): Promise<unknown> {
  const fnArgs = Object.fromEntries(call.inputArgs.map(({ name, value }) => [name, JSON.parse(value)]))
  const parentArgs = JSON.parse(call.parent) ?? {}
  try {
    return await invoke(new Executor(modules, module), module, { parentName: call.parentName, fnName: call.name, parentArgs, fnArgs })
  } catch (error) {
    where(error)
    await dag.currentFunctionCall().returnError(asError(error))
    // The process ends here, past every `finally`: spans are sent first.
    await telemetry.close()
    process.exit(1)
  }
}

/** Where in the module's files an error came from; its message is returned to the engine. */
function where(error: unknown): void {
  const frames = error instanceof Error ? (error.stack ?? "").split("\n").filter((line) => /^\s+at .*\.m?ts:\d+/.test(line)) : []
  if (frames.length > 0) console.error(frames.join("\n"))
}

function asError(error: unknown): any {
  if (!(error instanceof Error)) {
    let text = String(error)
    try {
      text = JSON.stringify(error) ?? text
    } catch {
      // What cannot be written as JSON is named as it names itself.
    }
    return dag.error(text)
  }
  let result = dag.error(error.message)
  if (error instanceof ExecError || error instanceof GraphQLRequestError) {
    for (const [key, value] of Object.entries(error.extensions ?? {})) {
      if (value !== "" && value !== undefined && value !== null) result = result.withValue(key, JSON.stringify(value))
    }
  }
  return result
}
