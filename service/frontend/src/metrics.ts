/** The few metrics of this service, in Prometheus' text format. */

import type { BuildInfo } from "./config.ts";

interface Series {
  count: number;
  seconds: number;
}

/** Counts and times requests by method, route and status. */
export class Metrics {
  readonly #requests = new Map<string, Series>();
  readonly #build: BuildInfo;

  constructor(build: BuildInfo) {
    this.#build = build;
  }

  /** Records one answered request. The route is one of a fixed list, never a path as given. */
  observe(method: string, route: string, status: number, seconds: number): void {
    const labels = `method="${method}",route="${route}",status="${status}"`;
    const series = this.#requests.get(labels) ?? { count: 0, seconds: 0 };
    series.count += 1;
    series.seconds += seconds;
    this.#requests.set(labels, series);
  }

  /** Returns all metrics as text. */
  text(): string {
    const series = [...this.#requests.entries()];
    const { version, sourceRevision } = this.#build;
    const lines = [
      "# HELP build_info Where this build comes from",
      "# TYPE build_info gauge",
      `build_info{version="${label(version)}",source_revision="${label(sourceRevision)}"} 1`,
      "# HELP process_start_time_seconds Start of the process, in seconds since 1970",
      "# TYPE process_start_time_seconds gauge",
      `process_start_time_seconds ${(Date.now() / 1000 - process.uptime()).toFixed(3)}`,
      "# HELP process_resident_memory_bytes Memory held by the process",
      "# TYPE process_resident_memory_bytes gauge",
      `process_resident_memory_bytes ${process.memoryUsage.rss()}`,
      "# HELP http_requests_total Requests answered",
      "# TYPE http_requests_total counter",
      ...series.map(([labels, { count }]) => `http_requests_total{${labels}} ${count}`),
      "# HELP http_request_duration_seconds Time to answer a request",
      "# TYPE http_request_duration_seconds summary",
      ...series.flatMap(([labels, { count, seconds }]) => [
        `http_request_duration_seconds_sum{${labels}} ${seconds.toFixed(6)}`,
        `http_request_duration_seconds_count{${labels}} ${count}`,
      ]),
    ];
    return lines.join("\n") + "\n";
  }
}

function label(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
