/**
 * HTML that was escaped, or written here. Whatever is put into a template is
 * escaped unless it is one of these: names, commits, logs and findings come
 * from outside, and may be hostile.
 */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = Html | string | number | undefined | readonly Html[];

/** A template whose values are escaped; `undefined` gives nothing. */
export function html(strings: TemplateStringsArray, ...parts: Part[]): Html {
  return new Html(strings.reduce((text, string, index) => text + render(parts[index - 1]) + string));
}

function render(part: Part): string {
  if (part === undefined) return "";
  if (part instanceof Html) return part.text;
  if (typeof part === "object") return part.map((one) => one.text).join("");
  return escaped(String(part));
}

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;", "`": "&#96;" };

/** For text and for attributes in quotes. Control characters, which no HTML may hold, become visible; colours are left out. */
export function escaped(text: string): string {
  return text
    // eslint-disable-next-line no-control-regex -- a terminal's colours are control characters
    .replace(/\u001b\[[0-9;]*[A-Za-z]/g, "")
    // eslint-disable-next-line no-control-regex -- and so is what must not pass
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "\ufffd")
    // Marks that turn the direction of what follows could make one name look like another.
    .replace(/[\u202a-\u202e\u2066-\u2069]/g, "\ufffd")
    .replace(/[&<>"'`]/g, (character) => ENTITIES[character]!);
}

/** The little Markdown that a stage's sentence may hold: fenced blocks and `code`. */
export function prose(text: string): Html {
  const parts = text.trim().split(/^```\w*$/m);
  return new Html(parts.map((part, index) => (index % 2 === 1 ? html`<pre class="log" tabindex="0">${part.trim()}</pre>` : paragraphs(part)).text).join(""));
}

function paragraphs(text: string): Html {
  const found = text.split(/\n\s*\n/).map((paragraph) => paragraph.trim()).filter((paragraph) => paragraph !== "");
  return html`${found.map((paragraph) => html`<p>${inline(paragraph)}</p>`)}`;
}

/** `code` between backticks; everything else as it is. */
export function inline(text: string): Html {
  const parts = text.split("`");
  // An odd backtick is no pair: then all of them are text.
  if (parts.length % 2 === 0) return html`${text}`;
  return html`${parts.map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : html`${part}`))}`;
}

/** A path that a narrow screen breaks where a person would. */
export function pathOf(path: string): Html {
  const [first = "", ...rest] = path.split("/");
  return html`${first}${rest.map((segment) => html`/<wbr>${segment}`)}`;
}

/** A link to a file of the same folder; a name can neither leave it nor become another kind of address. */
export function fileHref(path: string): string {
  return `./${path.split("/").filter((segment) => segment !== "" && segment !== "." && segment !== "..").map(encodeURIComponent).join("/")}`;
}
