// The usage reports of an instance, as the management interface gives them, and the news that calls were counted.
import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";

import { armCall } from "../../api/publisher";
import { useInstance } from "../instance";
import type { Span } from "./periods";

export interface Counts {
  callCountSuccess: number;
  callCountBlocked: number;
  callCountFailed: number;
  callCountOther: number;
  callCountTotal: number;
  bandwidth: number;
  cacheHitCount: number;
  cacheMissCount: number;
  apiTimeAvg: number;
  apiTimeMin: number;
  apiTimeMax: number;
  apiTimeP50: number;
  apiTimeP95: number;
  apiTimeP99: number;
  serviceTimeAvg: number;
  serviceTimeP50: number;
  serviceTimeP95: number;
  serviceTimeP99: number;
}
export interface Ids {
  apiId?: string;
  operationId?: string;
  productId?: string;
  subscriptionId?: string;
  userId?: string;
}
export type Row = Counts & Ids & { name?: string; timestamp?: string };
export type RequestRow = Ids & {
  timestamp: string;
  method: string;
  url: string;
  ipAddress: string;
  responseCode: number;
  backendResponseCode: string;
  apiTime: number;
  serviceTime: number;
  requestSize: number;
  responseSize: number;
  cache: string;
  requestId: string;
};

export const kinds = [
  { id: "byApi", key: "apiId", text: "dashboard.byApi" },
  { id: "byOperation", key: "operationId", text: "dashboard.byOperation" },
  { id: "byProduct", key: "productId", text: "dashboard.byProduct" },
  { id: "bySubscription", key: "subscriptionId", text: "dashboard.bySubscription" },
  { id: "byUser", key: "userId", text: "dashboard.byUser" },
] as const;
export type Kind = (typeof kinds)[number];
export type Dimension = Kind["key"];

/** What everything shown is about: at most one entity of a kind. */
export interface Narrowed {
  key: Dimension;
  id: string;
  name: string;
}

/** Reports by product and by subscription cannot be narrowed to an API or an operation. */
export function narrowedFor(kind: string, narrowed: Narrowed[]): Narrowed[] {
  const few = kind === "byProduct" || kind === "bySubscription";
  return few ? narrowed.filter((one) => one.key !== "apiId" && one.key !== "operationId") : narrowed;
}

export function useReport<R = Row>(kind: string, span: Span, narrowed: Narrowed[], more = "", enabled = true) {
  const { id: at } = useInstance();
  return useQuery({
    queryKey: [at, "report", kind, span.key, narrowed.map((one) => one.id), more],
    enabled,
    queryFn: async () => {
      const { from, to } = span.bounds();
      const terms = [`timestamp ge ${from.toISOString()}`];
      if (to) terms.push(`timestamp lt ${to.toISOString()}`);
      for (const one of narrowed) terms.push(`${one.key} eq '${one.id.replaceAll("'", "''")}'`);
      const filter = encodeURIComponent(terms.join(" and "));
      return armCall<{ value: R[]; count: number }>(at, "GET", `/reports/${kind}?$filter=${filter}${more}`);
    },
    // The period moves on, also when nothing is called.
    refetchInterval: 60_000,
    placeholderData: keepPreviousData,
  });
}

/** Asks for the reports again when calls were counted. */
export function useLiveReports() {
  const client = useQueryClient();
  const { id: at } = useInstance();
  useEffect(() => {
    const source = new EventSource("/console/api/usage-events");
    source.addEventListener("usage", () => void client.invalidateQueries({ queryKey: [at, "report"] }));
    return () => source.close();
  }, [client, at]);
}
