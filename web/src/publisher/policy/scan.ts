// Where something stands in a policy document that is still being typed. Expressions hold quotes and angle brackets,
// so that no reader of XML would do.

export type Place =
  | { kind: "content"; path: string[] }
  | { kind: "tag"; path: string[]; from: number }
  | { kind: "close"; path: string[]; from: number }
  | { kind: "attributes"; path: string[]; element: string; used: string[]; from: number }
  | { kind: "value"; path: string[]; element: string; attribute: string; from: number }
  | { kind: "none" };

interface Tag {
  kind: "open" | "empty" | "close";
  name: string;
  depth: number; // Of the element: 0 for the root.
  from: number;
  to: number;
}

const isName = (c: string | undefined) => c !== undefined && /[\w.:-]/.test(c);
const isSpace = (c: string | undefined) => c !== undefined && /\s/.test(c);

class Scanner {
  readonly tags: Tag[] = [];
  private readonly path: string[] = [];
  private at = 0;

  constructor(private readonly text: string) {}

  /** The place at the end of the text. */
  run(): Place {
    while (this.at < this.text.length) {
      const unfinished = this.step();
      if (unfinished) return unfinished;
    }
    return { kind: "content", path: [...this.path] };
  }

  private step(): Place | undefined {
    const { text, at } = this;
    if (text.startsWith("<!--", at)) return this.skip("-->");
    if (text.startsWith("<![CDATA[", at)) return this.skip("]]>");
    if (text.startsWith("<?", at)) return this.skip("?>");
    if (text.startsWith("</", at)) return this.close();
    if (text[at] === "<") return this.open();
    if (text[at] === "@") return this.expression();
    this.at++;
    return undefined;
  }

  private skip(end: string): Place | undefined {
    const found = this.text.indexOf(end, this.at);
    if (found < 0) return { kind: "none" };
    this.at = found + end.length;
    return undefined;
  }

  private close(): Place | undefined {
    const from = this.at;
    const end = this.text.indexOf(">", from);
    if (end < 0) return { kind: "close", path: [...this.path], from: from + 2 };
    this.at = end + 1;
    const name = this.text.slice(from + 2, end).trim();
    this.path.pop();
    this.tags.push({ kind: "close", name, depth: this.path.length, from, to: this.at });
    return undefined;
  }

  private word(): string {
    const from = this.at;
    while (isName(this.text[this.at])) this.at++;
    return this.text.slice(from, this.at);
  }

  private open(): Place | undefined {
    const { text } = this;
    const from = this.at++;
    const path = [...this.path];
    const element = this.word();
    if (this.at === text.length) return { kind: "tag", path, from: from + 1 };
    const used: string[] = [];
    while (this.at < text.length) {
      const c = text[this.at];
      if (c === ">" || text.startsWith("/>", this.at)) {
        this.at += c === ">" ? 1 : 2;
        this.tags.push({ kind: c === ">" ? "open" : "empty", name: element, depth: path.length, from, to: this.at });
        if (c === ">") this.path.push(element);
        return undefined;
      }
      if (c === "<") return undefined; // The tag was given up.
      if (isName(c)) {
        const begin = this.at;
        const attribute = this.word();
        if (this.at === text.length) return { kind: "attributes", path, element, used, from: begin };
        used.push(attribute);
      } else if (c === '"' || c === "'") {
        const begin = ++this.at;
        if (this.text[begin] === "@" && this.expression()) return { kind: "none" };
        const end = text.indexOf(c, this.at);
        if (end < 0) return { kind: "value", path, element, attribute: used.at(-1) ?? "", from: begin };
        this.at = end + 1;
      } else {
        this.at++;
      }
    }
    return isSpace(text.at(-1)) ? { kind: "attributes", path, element, used, from: text.length } : { kind: "none" };
  }

  /** Passes what begins with "@(" or "@{"; the strings in it may hold brackets. */
  private expression(): Place | undefined {
    const { text } = this;
    const bracket = text[++this.at];
    if (bracket !== "(" && bracket !== "{") return undefined;
    const closing = bracket === "(" ? ")" : "}";
    let depth = 0;
    for (; this.at < text.length; this.at++) {
      const c = text[this.at];
      if (c === '"') {
        for (this.at++; this.at < text.length && text[this.at] !== '"'; this.at++) if (text[this.at] === "\\") this.at++;
      } else if (c === bracket) {
        depth++;
      } else if (c === closing && --depth === 0) {
        this.at++;
        return undefined;
      }
    }
    return { kind: "none" };
  }
}

export const placeAt = (before: string): Place => new Scanner(before).run();

export interface Edit {
  from: number;
  to: number;
  insert: string;
}

/** Adds `xml` as the last child of a section, which is made when it is not there; none without a document. */
export function addToSection(text: string, section: string, xml: string): Edit | undefined {
  const scanner = new Scanner(text);
  scanner.run();
  const lines = (lead: string, what: string) => what.split("\n").map((line) => lead + line).join("\n");
  const whole = `    <${section}>\n${lines("        ", xml)}\n    </${section}>`;
  for (const tag of scanner.tags) {
    if (tag.depth !== 1 || tag.name !== section) continue;
    if (tag.kind === "empty") return { from: tag.from, to: tag.to, insert: whole.trimStart() };
    if (tag.kind === "close") return putBefore(text, tag.from, lines("        ", xml), "    ");
  }
  const end = scanner.tags.findLast((tag) => tag.depth === 0 && tag.kind === "close" && tag.name === "policies");
  return end && putBefore(text, end.from, whole, "");
}

/** Lines of their own before what stands at `at`; a tag that shares its line is moved to the next one. */
function putBefore(text: string, at: number, lines: string, lead: string): Edit {
  const begin = text.lastIndexOf("\n", at - 1) + 1;
  const own = text.slice(begin, at).trim() === "";
  return own ? { from: begin, to: begin, insert: `${lines}\n` } : { from: at, to: at, insert: `\n${lines}\n${lead}` };
}
