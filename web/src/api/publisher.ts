// The entities of one service instance, over the management interface.
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";

import type { ServiceInstance } from "./arm";
import { call } from "./http";

const version = "api-version=2022-08-01";

export interface Entity<P> {
  id: string;
  name: string;
  properties: P;
}
export type Api = Entity<{
  displayName: string;
  description?: string | null;
  path: string;
  serviceUrl?: string | null;
  protocols: string[];
  subscriptionRequired: boolean;
}>;
export interface Parameter {
  name: string;
  type: string;
  required?: boolean;
  description?: string;
}
export type Operation = Entity<{
  displayName: string;
  method: string;
  urlTemplate: string;
  description?: string | null;
  templateParameters: Parameter[];
  responses: { statusCode: number; description?: string }[];
}>;
export type Product = Entity<{
  displayName: string;
  description?: string | null;
  terms?: string | null;
  subscriptionRequired: boolean;
  approvalRequired?: boolean;
  state: "published" | "notPublished";
}>;
export type SubscriptionState = "submitted" | "active" | "suspended" | "rejected" | "cancelled" | "expired";
export type Subscription = Entity<{
  displayName?: string | null;
  scope: string;
  ownerId?: string | null;
  state: SubscriptionState;
  createdDate: string;
}>;
export interface Keys {
  primaryKey: string;
  secondaryKey: string;
}

/** Calls below one instance; `at` is its ARM id. */
export function armCall<T>(at: string, method: string, path: string, body?: unknown, etag?: string) {
  const separator = path.includes("?") ? "&" : "?";
  return call<T>(method, `${at}${path}${separator}${version}`, body, etag ? { headers: { "If-Match": etag } } : {});
}

const pieceSize = 1000;

/** All entities of a list, which the server gives in pieces; the first one says how many there are. */
export async function list<T>(at: string, path: string): Promise<T[]> {
  const piece = (skip: number) =>
    armCall<{ value: T[]; count: number; nextLink?: string | null }>(
      at,
      "GET",
      `${path}?$top=${pieceSize}&$skip=${skip}`,
    );
  const first = await piece(0);
  if (!first.nextLink) return first.value;
  const starts = Array.from({ length: Math.ceil(first.count / pieceSize) - 1 }, (_, i) => (i + 1) * pieceSize);
  const others = await Promise.all(starts.map(piece));
  return [first, ...others].flatMap((one) => one.value);
}

export const apisQuery = (at: string) =>
  queryOptions({ queryKey: [at, "apis"], queryFn: () => list<Api>(at, "/apis") });
export const apiQuery = (at: string, api: string) =>
  queryOptions({ queryKey: [at, "apis", api], queryFn: () => armCall<Api>(at, "GET", `/apis/${api}`) });
export const operationsQuery = (at: string, api: string) =>
  queryOptions({ queryKey: [at, "apis", api, "operations"], queryFn: () => list<Operation>(at, `/apis/${api}/operations`) });
export const apiProductsQuery = (at: string, api: string) =>
  queryOptions({ queryKey: [at, "apis", api, "products"], queryFn: () => list<Product>(at, `/apis/${api}/products`) });
export const productsQuery = (at: string) =>
  queryOptions({ queryKey: [at, "products"], queryFn: () => list<Product>(at, "/products") });
export const productQuery = (at: string, product: string) =>
  queryOptions({ queryKey: [at, "products", product], queryFn: () => armCall<Product>(at, "GET", `/products/${product}`) });
export const productApisQuery = (at: string, product: string) =>
  queryOptions({ queryKey: [at, "products", product, "apis"], queryFn: () => list<Api>(at, `/products/${product}/apis`) });
export const subscriptionsQuery = (at: string) =>
  queryOptions({ queryKey: [at, "subscriptions"], queryFn: () => list<Subscription>(at, "/subscriptions") });
export const keysQuery = (at: string, subscription: string) =>
  queryOptions({
    queryKey: [at, "subscriptions", subscription, "keys"],
    queryFn: () => armCall<Keys>(at, "POST", `/subscriptions/${subscription}/listSecrets`),
    gcTime: 0,
  });

/** The text of a policy document, or none. `scope` is "", "/apis/x", "/apis/x/operations/y", "/products/z". */
export const policyQuery = (at: string, scope: string) =>
  queryOptions({
    queryKey: [at, "policy", scope],
    queryFn: async () => {
      const found = await armCall<{ value: Entity<{ value: string }>[] }>(at, "GET", `${scope}/policies?format=rawxml`);
      return found.value[0]?.properties.value ?? "";
    },
  });

/** Any change of the instance; what is shown of it is asked for again. */
export function useChange<Input>(at: string, change: (input: Input) => Promise<unknown>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSettled: () => client.invalidateQueries({ queryKey: [at] }),
  });
}

export const findInstance = (instances: ServiceInstance[], name: string) =>
  instances.find((one) => one.name.toLowerCase() === name.toLowerCase());

/** A name on the wire made from one for people: "AzureML Demo API" gives "azureml-demo-api". */
export function slug(text: string): string {
  const made = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 60);
  return made || `x${Date.now().toString(36)}`;
}

/** The parameters that a URL template names: "/a/{b}?c={d}" gives b and d. */
export const templateParameters = (template: string): string[] => [
  ...new Set([...template.matchAll(/\{\*?([^{}]+)\}/g)].map((match) => match[1]!)),
];

export interface NewOperation {
  displayName: string;
  method: string;
  urlTemplate: string;
  description?: string;
  responses: { statusCode: number; description: string }[];
}

export const putOperation = (at: string, api: string, name: string, made: NewOperation) =>
  armCall<Operation>(at, "PUT", `/apis/${api}/operations/${name}`, {
    properties: {
      ...made,
      templateParameters: templateParameters(made.urlTemplate).map((one) => ({
        name: one,
        type: "string",
        required: true,
      })),
    },
  });

const service = "/workspaces/{workspace}/services/{service}";
/** The operations of a published web service. */
export const webServiceOperations: NewOperation[] = (
  [
    ["RRS Execute", "POST", `${service}/execute?api-version={apiversion}&details={details}`],
    ["BES Submit", "POST", `${service}/jobs?api-version={apiversion}`],
    ["BES Start", "POST", `${service}/jobs/{jobid}/start?api-version={apiversion}`],
    ["BES Status", "GET", `${service}/jobs/{jobid}?api-version={apiversion}`],
    ["BES Delete", "DELETE", `${service}/jobs/{jobid}?api-version={apiversion}`],
  ] as const
).map(([displayName, method, urlTemplate]) => ({
  displayName,
  method,
  urlTemplate,
  responses: [{ statusCode: 200, description: "OK" }],
}));
