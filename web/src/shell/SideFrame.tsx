// An area of the console: its kinds of things at the side, the chosen one beside them.
import { Outlet } from "@tanstack/react-router";
import type { ReactNode } from "react";

export function SideFrame({ label, head, children }: { label: string; head: ReactNode; children: ReactNode }) {
  return (
    <div className="studio">
      <nav className="side" aria-label={label}>
        {head}
        {children}
      </nav>
      <div className="studio-body">
        <Outlet />
      </div>
    </div>
  );
}
