/** The page as a whole, and what it is allowed to load. */

import { createHash } from "node:crypto";

import type { BuildInfo } from "./config.ts";
import { html, Html } from "./shared/html.ts";
import { renderEnvironments, renderSource, renderSummary } from "./shared/render.ts";
import type { PlatformStatus } from "./shared/status.ts";
import { STYLE } from "./style.ts";

const STYLE_HASH = createHash("sha256").update(STYLE).digest("base64");

/** Everything comes from here, the style is the one below, and nobody may frame the page. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  `style-src 'sha256-${STYLE_HASH}'`,
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Returns the whole page for a status. */
export function renderDocument(status: PlatformStatus, build: BuildInfo): string {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Golden path: what runs where</title>
<link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
<style>${new Html(STYLE)}</style>
<noscript><meta http-equiv="refresh" content="30"></noscript>
<script type="module" src="/assets/browser/client.js"></script>
</head>
<body>
<div class="page">
<header class="top">
<h1>What runs where</h1>
<div id="summary" role="status">${renderSummary(status)}</div>
</header>
<main id="environments">${renderEnvironments(status)}</main>
<footer>
<p id="source">${renderSource(status)}</p>
<p>This page: version ${build.version}, revision ${build.sourceRevision}, built ${build.buildTime}.</p>
</footer>
</div>
</body>
</html>
`;
  return page.text;
}
