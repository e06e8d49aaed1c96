import { LineCounter, isAlias, isMap, isScalar, isSeq, parseDocument } from "yaml";
import type { Document, Node, YAMLError } from "yaml";
import { UserError } from "./errors.ts";
import { didYouMean } from "./suggest.ts";

/**
 * Reads one YAML mapping field by field and collects everything wrong with it,
 * so that a person mends a file once and not once per mistake.
 */
export class Fields {
  readonly problems: string[] = [];
  readonly file: string;
  private readonly document: Document;
  private readonly lines: LineCounter;
  private readonly withLines: boolean;

  /** Throws at once where the text is not YAML or not a mapping: nothing in it can be read then. */
  constructor(text: string, file: string, options: { withLines?: boolean } = {}) {
    this.file = file;
    this.withLines = options.withLines ?? false;
    this.lines = new LineCounter();
    this.document = parseDocument(text, {
      lineCounter: this.lines,
      prettyErrors: false,
      // A mapping that names a key twice must never be read as its last value.
      uniqueKeys: true,
    });
    const wrong = [...this.document.errors, ...this.document.warnings];
    if (wrong.length > 0) {
      const listed = wrong.map((one) => {
        const at = this.lines.linePos(one.pos[0]);
        return `${file}:${at.line}:${at.col}: not valid YAML: ${faultOf(one)}; correct line ${at.line}`;
      });
      throw new UserError([...new Set(listed)].join("\n"));
    }
    if (!isMap(this.document.contents)) {
      const found = this.document.contents === null ? "it is empty" : `it holds ${kindOf(this.document.contents)}`;
      throw new UserError(`${file}: ${found}; write fields as "name: value" lines`);
    }
  }

  /** Notes a problem with a field; the sentence says what was found and what to do. */
  problem(field: string, sentence: string): undefined {
    const node = this.document.getIn(field.split("."), true) as Node | undefined;
    const offset = node?.range?.[0];
    const line = this.withLines && offset !== undefined ? `:${this.lines.linePos(offset).line}` : "";
    this.problems.push(`${this.file}${line}: ${field}: ${sentence}`);
    return undefined;
  }

  /** Every key that is not among the known ones is a problem: a typo must not pass as a default. */
  onlyKnown(known: readonly string[], inside?: string): void {
    const map = inside === undefined ? this.document.contents : this.node(inside);
    if (!isMap(map)) return;
    for (const pair of map.items) {
      const key = isScalar(pair.key) ? String(pair.key.value) : "?";
      if (known.includes(key)) continue;
      const field = inside === undefined ? key : `${inside}.${key}`;
      const node = pair.key as Node | null;
      const line =
        this.withLines && node?.range ? `:${this.lines.linePos(node.range[0]).line}` : "";
      this.problems.push(
        `${this.file}${line}: ${field}: unknown field${didYouMean(key, known)}; use ${known.join(", ")}`,
      );
    }
  }

  /** Whether the field is there; `port:` with nothing behind it is not. */
  has(field: string): boolean {
    const node = this.node(field);
    return node !== undefined && !(isScalar(node) && node.value === null);
  }

  /** The keys of a mapping, in the file's order; notes a problem where it is something else. */
  keys(field: string): string[] | undefined {
    const node = this.node(field);
    if (!isMap(node)) return this.wrongType(field, "a mapping", `write "name: value" lines under it`);
    return node.items.map((pair) => (isScalar(pair.key) ? String(pair.key.value) : "?"));
  }

  /** The text of a field; a number or boolean is not taken for text. */
  text(field: string): string | undefined {
    const node = this.node(field);
    if (isScalar(node) && typeof node.value === "string") return node.value;
    return this.wrongType(field, "text", "put it in quotes if it is meant as text");
  }

  integer(field: string): number | undefined {
    const node = this.node(field);
    if (isScalar(node) && typeof node.value === "number" && Number.isInteger(node.value)) return node.value;
    return this.wrongType(field, "a whole number", "write digits without quotes");
  }

  boolean(field: string): boolean | undefined {
    const node = this.node(field);
    if (isScalar(node) && typeof node.value === "boolean") return node.value;
    return this.wrongType(field, "true or false", "write one of them without quotes");
  }

  texts(field: string): string[] | undefined {
    const node = this.node(field);
    if (!isSeq(node)) return this.wrongType(field, "a list of texts", "write it as in [\"node\", \"dist/server.js\"]");
    const found: string[] = [];
    for (const item of node.items) {
      if (!isScalar(item) || typeof item.value !== "string") {
        return this.wrongType(field, "a list of texts", "write it as in [\"node\", \"dist/server.js\"]");
      }
      found.push(item.value);
    }
    return found;
  }

  /** How many items a list has; notes a problem where it is something else. Items are the fields `<field>.0`, `<field>.1` … */
  count(field: string): number | undefined {
    const node = this.node(field);
    return isSeq(node) ? node.items.length : this.wrongType(field, "a list", `write "- …" lines under it`);
  }

  /** The scalar as it stands in the file, so that `0.5` and `50m` are both read as written. */
  written(field: string): string | undefined {
    const node = this.node(field);
    if (isScalar(node) && (typeof node.value === "string" || typeof node.value === "number")) {
      return typeof node.value === "string" ? node.value : (node.source ?? String(node.value));
    }
    return this.wrongType(field, "one value", "write it on the same line");
  }

  /** Notes a problem where a field that has no default is not there. */
  required(field: string, example: string): boolean {
    if (this.has(field)) return true;
    this.problems.push(`${this.file}: ${field}: missing; add it, as in "${example}"`);
    return false;
  }

  /** Throws what was collected, one problem a line. */
  finish(): void {
    if (this.problems.length > 0) throw new UserError(this.problems.join("\n"));
  }

  private node(field: string): Node | undefined {
    const node = this.document.getIn(field.split("."), true) as Node | undefined;
    return isAlias(node) ? node.resolve(this.document) : node;
  }

  private wrongType(field: string, expected: string, advice: string): undefined {
    return this.problem(field, `${kindOf(this.node(field))} is not ${expected}; ${advice}`);
  }
}

/** What a person would call this node, with its value where it is short. */
function kindOf(node: unknown): string {
  if (isMap(node)) return "a mapping";
  if (isSeq(node)) return "a list";
  if (isScalar(node)) {
    if (node.value === null) return "nothing";
    return typeof node.value === "string" ? `"${node.value}"` : String(node.source ?? node.value);
  }
  return "nothing";
}

/** The parser's words, where they are meant for a writer of YAML and not for a caller of the parser. */
function faultOf(fault: YAMLError): string {
  if (fault.code === "MULTIPLE_DOCS") return "a second document begins, one is allowed";
  return fault.message.replace(/\s+/g, " ").replace(/[.:]$/, "");
}
