/** Starts the service: `node dist/server.js`. */

import { createApp } from "./app.ts";
import { readConfig, type Config } from "./config.ts";
import { Lifecycle } from "./lifecycle.ts";
import { log } from "./log.ts";

function start(config: Config): void {
  const lifecycle = new Lifecycle();
  const server = createApp(config, lifecycle, log);
  server.on("error", (error) => {
    log("error", `listening on ${config.host}:${config.port}: ${error.message}`);
    process.exit(1);
  });

  const stop = (signal: NodeJS.Signals): void => {
    if (lifecycle.stopping) process.exit(0); // told twice: at once
    log("info", "stopping", { signal });
    void lifecycle.stop(server, config.drainDelayMs, config.shutdownTimeoutMs).then(() => {
      log("info", "stopped");
      process.exit(0);
    });
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);

  server.listen(config.port, config.host, () => {
    log("info", "listening", { host: config.host, port: config.port, ...config.build });
  });
}

function main(): void {
  let config: Config;
  try {
    config = readConfig(process.env);
  } catch (error) {
    log("error", error instanceof Error ? error.message : String(error));
    process.exit(2);
  }
  start(config);
}

main();
