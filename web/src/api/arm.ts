// The management interface, as the publisher portal uses it.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { call } from "./http";
import { useFacts } from "./session";

export interface ServiceInstance {
  id: string;
  name: string;
  location: string;
  sku: { name: string; capacity: number };
  properties: {
    publisherName: string;
    publisherEmail: string;
    provisioningState: string;
    gatewayUrl: string;
    createdAtUtc: string;
    notificationSenderEmail: string;
    developerPortalUrl: string;
    managementApiUrl: string;
    hostnameConfigurations: { type: string; hostName: string; certificateSource: string }[];
  };
}

const version = "api-version=2022-08-01";
const provider = "providers/Microsoft.ApiManagement";
const group = "mlgate";

export function useInstances() {
  const { subscriptionId } = useFacts();
  return useQuery({
    queryKey: ["instances"],
    queryFn: async () =>
      (await call<{ value: ServiceInstance[] }>("GET", `/subscriptions/${subscriptionId}/${provider}/service?${version}`))
        .value,
  });
}

export interface NameAnswer {
  nameAvailable: boolean;
  message: string;
}

export function useNameCheck(name: string) {
  const { subscriptionId } = useFacts();
  return useQuery({
    queryKey: ["instance-name", name],
    enabled: name !== "",
    queryFn: ({ signal }) =>
      call<NameAnswer>("POST", `/subscriptions/${subscriptionId}/${provider}/checkNameAvailability?${version}`, { name }, {
        signal,
      }),
    staleTime: 5_000,
  });
}

export interface NewInstance {
  name: string;
  location: string;
  publisherName: string;
  publisherEmail: string;
}

export function useCreateInstance() {
  const { subscriptionId } = useFacts();
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (made: NewInstance) => {
      const base = `/subscriptions/${subscriptionId}/resourceGroups/${group}`;
      await call("PUT", `${base}?${version}`, { location: made.location });
      return call<ServiceInstance>("PUT", `${base}/${provider}/service/${encodeURIComponent(made.name)}?${version}`, {
        location: made.location,
        sku: { name: "Developer", capacity: 1 },
        properties: { publisherName: made.publisherName, publisherEmail: made.publisherEmail },
      });
    },
    onSettled: () => client.invalidateQueries({ queryKey: ["instances"] }),
  });
}
