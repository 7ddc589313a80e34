// The data API, as the developer portal uses it.
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { createContext, useContext } from "react";

import { call } from "../api/http";

export interface PortalUser {
  id: string;
  firstName: string;
  lastName: string;
  email: string;
  state: string;
  registrationDate: string;
}
export interface Portal {
  id: string;
  organization: string;
  gatewayUrl: string;
  administrator: boolean;
  user: PortalUser | null;
}
export interface Api {
  id: string;
  name: string;
  description?: string | null;
  path: string;
  protocols: string[];
  type: string;
  subscriptionRequired: boolean;
  subscriptionKeyParameterNames: { header: string; query: string };
  apiVersion?: string;
  /** Stands before the templates of its operations. */
  gatewayUrl: string;
  versionQuery?: string;
  versionHeader?: { name: string; value: string };
}
export interface Parameter {
  name: string;
  type: string;
  description?: string;
  defaultValue?: string;
  required?: boolean;
  values?: string[];
}
export interface Representation {
  contentType: string;
  typeName?: string;
  examples?: Record<string, { value?: unknown; description?: string }>;
}
export interface Operation {
  id: string;
  name: string;
  method: string;
  urlTemplate: string;
  description?: string | null;
  templateParameters: Parameter[];
  request: {
    description?: string;
    queryParameters: Parameter[];
    headers: Parameter[];
    representations: Representation[];
  };
  responses: { statusCode: number; description?: string; headers: Parameter[]; representations: Representation[] }[];
}
export interface Product {
  id: string;
  name: string;
  description?: string | null;
  terms?: string | null;
  subscriptionRequired: boolean;
  approvalRequired?: boolean | null;
  subscriptionsLimit?: number | null;
  state: "published" | "notPublished";
}
export interface Subscription {
  id: string;
  name?: string | null;
  scope: string;
  state: "submitted" | "active" | "suspended" | "rejected" | "cancelled" | "expired";
  createdDate: string;
  startDate?: string | null;
  expirationDate?: string | null;
  stateComment?: string | null;
}
export interface Keys {
  primaryKey: string;
  secondaryKey: string;
}

/** An instance as one person sees it: where its data is, and under which key answers are kept. */
export interface Place {
  base: string;
  key: readonly [string, string, string];
}
/** `person` keeps what a guest saw apart from what is shown after the sign-in. */
export const placeOf = (service: string, person: string): Place => ({
  base: `/data-api/service/${encodeURIComponent(service)}`,
  key: ["developer", service.toLowerCase(), person],
});

const pieceSize = 1000;
async function list<T>(address: string): Promise<T[]> {
  const all: T[] = [];
  for (;;) {
    const piece = await call<{ value: T[]; count: number }>("GET", `${address}?$top=${pieceSize}&$skip=${all.length}`);
    all.push(...piece.value);
    if (all.length >= piece.count || piece.value.length === 0) return all;
  }
}
const one = encodeURIComponent;

export const portalQuery = ({ base, key }: Place) =>
  queryOptions({ queryKey: [...key, "portal"], queryFn: () => call<Portal>("GET", base) });
export const apisQuery = ({ base, key }: Place) =>
  queryOptions({ queryKey: [...key, "apis"], queryFn: () => list<Api>(`${base}/apis`) });
export const apiQuery = ({ base, key }: Place, api: string) =>
  queryOptions({ queryKey: [...key, "apis", api], queryFn: () => call<Api>("GET", `${base}/apis/${one(api)}`) });
export const operationsQuery = ({ base, key }: Place, api: string) =>
  queryOptions({
    queryKey: [...key, "apis", api, "operations"],
    queryFn: () => list<Operation>(`${base}/apis/${one(api)}/operations`),
  });
export const productsOfApiQuery = ({ base, key }: Place, api: string) =>
  queryOptions({
    queryKey: [...key, "apis", api, "products"],
    queryFn: () => list<Product>(`${base}/apis/${one(api)}/products`),
  });
export const productsQuery = ({ base, key }: Place) =>
  queryOptions({ queryKey: [...key, "products"], queryFn: () => list<Product>(`${base}/products`) });
export const productQuery = ({ base, key }: Place, product: string) =>
  queryOptions({
    queryKey: [...key, "products", product],
    queryFn: () => call<Product>("GET", `${base}/products/${one(product)}`),
  });
export const apisOfProductQuery = ({ base, key }: Place, product: string) =>
  queryOptions({
    queryKey: [...key, "products", product, "apis"],
    queryFn: () => list<Api>(`${base}/products/${one(product)}/apis`),
  });
/** One's own; for somebody who is signed in. */
export const subscriptionsQuery = ({ base, key }: Place) =>
  queryOptions({ queryKey: [...key, "subscriptions"], queryFn: () => list<Subscription>(`${base}/subscriptions`) });
export const keysQuery = ({ base, key }: Place, subscription: string) =>
  queryOptions({
    queryKey: [...key, "subscriptions", subscription, "keys"],
    queryFn: () => call<Keys>("POST", `${base}/subscriptions/${one(subscription)}/listSecrets`),
    gcTime: 0,
  });

/** Any change; what is shown of the instance is asked for again. */
export function useDeveloperChange<Input, Output>(change: (input: Input) => Promise<Output>) {
  const { place } = useDeveloper();
  const client = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSettled: () => client.invalidateQueries({ queryKey: place.key }),
  });
}

/** The product that a subscription is to, if it is to one. */
export const productOfScope = (scope: string) => (scope.startsWith("/products/") ? scope.slice("/products/".length) : "");

/** Whether a key of the subscription opens the API. */
export function isGoodFor(subscription: Subscription, api: Api, products: Product[]): boolean {
  if (subscription.state !== "active") return false;
  const { scope } = subscription;
  const isSame = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();
  if (scope === "/" || scope === "/apis") return true;
  if (scope.startsWith("/apis/")) return isSame(scope.slice("/apis/".length), api.id);
  return products.some((product) => isSame(product.id, productOfScope(scope)));
}

interface Developer {
  service: string;
  place: Place;
  portal: Portal;
}
export const DeveloperContext = createContext<Developer | null>(null);

export function useDeveloper(): Developer {
  const developer = useContext(DeveloperContext);
  if (!developer) throw new Error("outside of a developer portal");
  return developer;
}
