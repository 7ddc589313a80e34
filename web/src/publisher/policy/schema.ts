// What policies there are at a scope, as the server declares and checks them.
import { queryOptions } from "@tanstack/react-query";

import { armCall, type Entity } from "../../api/publisher";

export interface Attribute {
  name: string;
  type: "text" | "integer" | "boolean" | "choice" | "header";
  required: boolean;
  expression: boolean;
  description: string;
  values: string[];
  default?: string;
  minimum?: number;
  maximum?: number;
}
export interface Grammar {
  name: string;
  description?: string;
  attributes: Attribute[];
  children: Grammar[];
  text: boolean;
}
export interface PolicyDescription extends Grammar {
  description: string;
  sections: string[];
  once: boolean;
  holdsPolicies: boolean;
}

export const sectionNames = ["inbound", "backend", "outbound", "on-error"];

const scopeName = (scope: string) =>
  scope === "" ? "Tenant" : scope.startsWith("/products/") ? "Product" : scope.includes("/operations/") ? "Operation" : "Api";

export const descriptionsQuery = (at: string, scope: string) =>
  queryOptions({
    queryKey: ["policyDescriptions", at, scopeName(scope)],
    queryFn: async () => {
      type Answer = { value: Entity<Omit<PolicyDescription, "name">>[] };
      const { value } = await armCall<Answer>(at, "GET", `/policyDescriptions?scope=${scopeName(scope)}`);
      return value.map((one): PolicyDescription => ({ ...one.properties, name: one.name }));
    },
    staleTime: Infinity,
  });

const plain = (name: string, children: Grammar[] = []): Grammar => ({ name, attributes: [], children, text: false });

/** What may stand within the elements that are open, outermost first; none where that is unknown. */
export function childrenAt(path: string[], policies: PolicyDescription[]): Grammar[] {
  const [root, section, ...inner] = path;
  if (root === undefined) return [plain("policies")];
  if (root !== "policies") return [];
  if (section === undefined) return sectionNames.map((name) => plain(name));
  const here: Grammar[] = [plain("base"), ...policies.filter((one) => one.sections.includes(section))];
  let children = here;
  for (const name of inner) {
    const found = children.find((one) => one.name === name);
    if (!found) return [];
    children = "holdsPolicies" in found && found.holdsPolicies ? here : found.children;
  }
  return children;
}

export const escapeText = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

/** A value as it stands between double quotes. What an expression holds is written as it is. */
export const attributeText = (value: string) =>
  /^@[({]/.test(value) ? value : escapeText(value).replaceAll('"', "&quot;");
