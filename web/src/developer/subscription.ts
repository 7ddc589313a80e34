// What is said of a subscription.
import type { TextKey } from "../texts/texts";
import { productOfScope, type Subscription } from "./data";

export const stateTexts: Record<Subscription["state"], TextKey> = {
  submitted: "subscriptions.submitted",
  active: "subscriptions.active",
  suspended: "subscriptions.suspended",
  rejected: "subscriptions.rejected",
  cancelled: "subscriptions.cancelled",
  expired: "subscriptions.expired",
};

export const isOver = ({ state }: Subscription) => state === "cancelled" || state === "rejected" || state === "expired";

export const titleOfSubscription = (one: Subscription) => one.name || productOfScope(one.scope) || one.id;
