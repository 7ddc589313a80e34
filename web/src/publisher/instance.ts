// The service instance that the pages are about.
import { createContext, useContext } from "react";

import type { ServiceInstance } from "../api/arm";

export const InstanceContext = createContext<ServiceInstance | null>(null);

export function useInstance(): ServiceInstance {
  const instance = useContext(InstanceContext);
  if (!instance) throw new Error("outside of a service instance");
  return instance;
}
