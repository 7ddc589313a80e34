// People of an instance, its mails and notifications, and the accounts of developers.
import { queryOptions } from "@tanstack/react-query";

import { call } from "../api/http";
import { armCall, type Entity, list } from "../api/publisher";

export type UserState = "active" | "blocked" | "pending" | "deleted";
export type User = Entity<{
  firstName: string;
  lastName: string;
  email: string;
  state: UserState;
  registrationDate: string;
}>;
export type Group = Entity<{ displayName: string; description?: string | null; builtIn: boolean }>;
export type Notification = Entity<{
  title: string;
  description: string;
  recipients: { emails: string[]; users: string[] };
}>;
export type MailTemplate = Entity<{
  subject: string;
  body: string;
  title: string;
  description: string;
  isDefault: boolean;
  parameters: { name: string; title: string }[];
}>;
export type MailState = "waiting" | "sent" | "failed";
export interface Mail {
  id: string;
  kind: string;
  from: string;
  to: string;
  subject: string;
  state: MailState;
  created: string;
  ended: string | null;
  next: string | null;
  attempts: number;
  error: string;
}

/** The built-in user who administers the instance. */
export const administrator = "1";
export const fullName = (user: User) => `${user.properties.firstName} ${user.properties.lastName}`;

export const usersQuery = (at: string) =>
  queryOptions({ queryKey: [at, "users"], queryFn: () => list<User>(at, "/users") });
export const groupsQuery = (at: string) =>
  queryOptions({ queryKey: [at, "groups"], queryFn: () => list<Group>(at, "/groups") });
export const groupUsersQuery = (at: string, group: string) =>
  queryOptions({
    queryKey: [at, "groups", group, "users"],
    queryFn: () => list<User>(at, `/groups/${group}/users`),
  });
export const userGroupsQuery = (at: string, user: string) =>
  queryOptions({
    queryKey: [at, "users", user, "groups"],
    queryFn: () => list<Group>(at, `/users/${user}/groups`),
  });
export const productGroupsQuery = (at: string, product: string) =>
  queryOptions({
    queryKey: [at, "products", product, "groups"],
    queryFn: () => list<Group>(at, `/products/${product}/groups`),
  });
export const notificationsQuery = (at: string) =>
  queryOptions({ queryKey: [at, "notifications"], queryFn: () => list<Notification>(at, "/notifications") });
export const templatesQuery = (at: string) =>
  queryOptions({ queryKey: [at, "templates"], queryFn: () => list<MailTemplate>(at, "/templates") });
export const templateQuery = (at: string, name: string) =>
  queryOptions({
    queryKey: [at, "templates", name],
    queryFn: () => armCall<MailTemplate>(at, "GET", `/templates/${name}`),
  });
export const mailsQuery = (at: string, service: string) =>
  queryOptions({
    queryKey: [at, "mails"],
    queryFn: () =>
      call<{ delivers: boolean; value: Mail[] }>("GET", `/console/api/mails?service=${encodeURIComponent(service)}`),
    refetchInterval: 5_000,
  });
export const mailQuery = (at: string, id: string) =>
  queryOptions({
    queryKey: [at, "mails", id],
    queryFn: () => call<Mail & { body: string }>("GET", `/console/api/mail?id=${encodeURIComponent(id)}`),
    gcTime: 0,
  });

export const previewMail = (template: string, subject: string, body: string) =>
  call<{ subject: string; body: string }>("POST", "/console/api/mail-preview", { template, subject, body });

export interface PortalFacts {
  service: string;
  organization: string;
  mail: boolean;
}
export const portalFactsQuery = (service: string) =>
  queryOptions({
    queryKey: ["portal-facts", service],
    queryFn: () => call<PortalFacts>("GET", `/console/api/sign-up?service=${encodeURIComponent(service)}`),
  });
