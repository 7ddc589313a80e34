// Light or dark, as the person has chosen, or as the system has it.
import { FluentProvider, webDarkTheme, webLightTheme } from "@fluentui/react-components";
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react";

type Mode = "light" | "dark";
const storageKey = "mlgate.theme";
const Context = createContext<{ mode: Mode; toggle: () => void }>({ mode: "light", toggle: () => {} });

function firstMode(): Mode {
  const kept = localStorage.getItem(storageKey);
  if (kept === "light" || kept === "dark") return kept;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

export function ThemeProvider({ children }: { children: ReactNode }) {
  const [mode, setMode] = useState(firstMode);
  useEffect(() => {
    document.documentElement.dataset.theme = mode;
    document.documentElement.style.colorScheme = mode;
  }, [mode]);
  const value = useMemo(
    () => ({
      mode,
      toggle: () =>
        setMode((before) => {
          const after = before === "light" ? "dark" : "light";
          localStorage.setItem(storageKey, after);
          return after;
        }),
    }),
    [mode],
  );
  return (
    <Context.Provider value={value}>
      <FluentProvider theme={mode === "dark" ? webDarkTheme : webLightTheme}>
        <div className="root">{children}</div>
      </FluentProvider>
    </Context.Provider>
  );
}

export const useTheme = () => useContext(Context);
