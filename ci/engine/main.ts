import { ensureImageServer } from "./image-server.ts"
import { ensureEngine } from "./engine.ts"
console.log(await ensureEngine(await ensureImageServer()))
