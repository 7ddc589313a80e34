// What may be typed next in a policy document.
import { type Completion, type CompletionSource, snippetCompletion } from "@codemirror/autocomplete";

import { attributeText, type Attribute, childrenAt, type Grammar, type PolicyDescription } from "./schema";
import { placeAt } from "./scan";

const quoted = (one: Attribute) => `${one.name}="#{${(one.default ?? one.values[0] ?? "").replace(/[{}]/g, "")}}"`;

/** An element with its required attributes, for the editor to fill in; "base" and its like hold nothing. */
function template({ name, attributes, children, text }: Grammar): string {
  const head = [name, ...attributes.filter((one) => one.required).map(quoted)].join(" ");
  const inner = children.filter((one) => one.text).map((one) => `\n\t<${one.name}>#{}</${one.name}>`);
  if (inner.length > 0) return `${head}>${inner.join("")}\n</${name}>`;
  const holds = text || children.length > 0 || name === "policies" || ["inbound", "backend", "outbound", "on-error"].includes(name);
  return holds ? `${head}>#{}</${name}>` : `${head} />`;
}

function rangeOf(one: Attribute): string {
  return one.type === "integer" && one.maximum !== undefined ? `${one.minimum ?? 0}-${one.maximum}` : one.type;
}

export const policyCompletion =
  (policies: PolicyDescription[]): CompletionSource =>
  ({ state, pos, explicit }) => {
    const place = placeAt(state.sliceDoc(0, pos));
    if (place.kind === "none" || (place.kind === "content" && !explicit)) return null;
    const children = childrenAt(place.path, policies);
    if (place.kind === "content" || place.kind === "tag") {
      const lead = place.kind === "content" ? "<" : "";
      const options = children.map((one) =>
        snippetCompletion(lead + template(one), { label: lead + one.name, type: "type", info: one.description || undefined }),
      );
      const open = place.path.at(-1);
      if (open !== undefined) options.push({ label: `${lead}/${open}>`, type: "type", boost: -50 });
      return { from: place.kind === "tag" ? place.from : pos, options, validFor: /^<?[\w-]*$/ };
    }
    if (place.kind === "close") {
      const open = place.path.at(-1);
      return open === undefined ? null : { from: place.from, options: [{ label: open, apply: `${open}>`, type: "type" }] };
    }
    const element = children.find((one) => one.name === place.element);
    if (!element) return null;
    if (place.kind === "attributes") {
      const options = element.attributes
        .filter((one) => !place.used.includes(one.name))
        .map((one): Completion =>
          snippetCompletion(quoted(one), {
            label: one.name,
            type: "property",
            detail: rangeOf(one),
            info: one.description || undefined,
            boost: one.required ? 10 : 0,
          }),
        );
      return { from: place.from, options, validFor: /^[\w-]*$/ };
    }
    const attribute = element.attributes.find((one) => one.name === place.attribute);
    if (!attribute || attribute.values.length === 0) return null;
    const options = attribute.values.map((one): Completion => ({ label: one, apply: attributeText(one), type: "enum" }));
    return { from: place.from, options, validFor: /^[\w-]*$/ };
  };
