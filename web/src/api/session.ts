// Who is signed in, and what the server says of where things are.
import { type QueryClient, queryOptions, useMutation, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";

import { call, keepCsrf } from "./http";

export interface Facts {
  subscriptionId: string;
  gatewayUrl: string;
  servicesUrl: string;
  servicesTlsUrl: string;
  blobUrl: string;
  /** Hosts, some with a port, in service URLs that mean this program's own web services; "*." stands for any label. */
  inProcess: string[];
  studio: boolean;
}

export type Session =
  | { signedIn: false; firstRun: boolean }
  | { signedIn: true; email: string; role: "administrator" | "developer"; csrf: string; facts: Facts };

function keep(session: Session): Session {
  keepCsrf(session.signedIn ? session.csrf : "");
  return session;
}

export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: async () => keep(await call<Session>("GET", "/console/api/session")),
  staleTime: Infinity,
});

export function useSession(): Session {
  return useSuspenseQuery(sessionQuery).data;
}

/** For pages that only somebody who is signed in sees. */
export function useFacts(): Facts {
  const session = useSession();
  if (!session.signedIn) throw new Error("nobody is signed in");
  return session.facts;
}

function accept(client: QueryClient, session: Session) {
  client.setQueryData(sessionQuery.queryKey, keep(session));
}

/** Whether calls of this service URL are answered in the same process. */
export function isInProcess(facts: Facts, serviceUrl: string): boolean {
  if (!URL.canParse(serviceUrl)) return false;
  const url = new URL(serviceUrl);
  return facts.inProcess.some((alias) => {
    if (alias.startsWith("*.")) return url.hostname.endsWith(alias.slice(1));
    return alias.includes(":") ? alias === url.host : alias === url.hostname;
  });
}

/** One of the ways in: "first-run", "sign-in", "sign-in-link". */
export function useEnter<Body>(way: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: Body) => call<Session>("POST", `/console/api/${way}`, body),
    onSuccess: (session) => accept(client, session),
  });
}

export function useSignOut() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => call<void>("POST", "/console/api/sign-out"),
    onSettled: () => {
      accept(client, { signedIn: false, firstRun: false });
      client.removeQueries({ predicate: (query) => query.queryKey[0] !== sessionQuery.queryKey[0] });
    },
  });
}
