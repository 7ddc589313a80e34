// All texts of the pages, in the language that the person has chosen.
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react";

import { en } from "./en";
import { ru } from "./ru";
import { serverRu } from "./server.ru";

export type TextKey = keyof typeof en;
export type Language = "en" | "ru";
export const languages: { id: Language; name: string }[] = [
  { id: "en", name: "English" },
  { id: "ru", name: "Русский" },
];

type Values = Record<string, string | number>;
export type Translate = (key: TextKey, values?: Values) => string;

interface Texts {
  language: Language;
  t: Translate;
  /** A text that came from the server, where it is one of the server's own. */
  told: (text: string) => string;
  setLanguage: (language: Language) => void;
  number: (value: number) => string;
  date: (value: string | number | Date) => string;
}

const Context = createContext<Texts | null>(null);
const storageKey = "mlgate.language";

function firstLanguage(): Language {
  const kept = localStorage.getItem(storageKey);
  if (kept === "en" || kept === "ru") return kept;
  return navigator.language.startsWith("ru") ? "ru" : "en";
}

function translate(language: Language, key: TextKey, values: Values = {}): string {
  const text: string = (language === "ru" ? ru : en)[key];
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

export function TextsProvider({ children }: { children: ReactNode }) {
  const [language, setLanguage] = useState(firstLanguage);
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  const texts = useMemo<Texts>(() => {
    const dates = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
    const numbers = new Intl.NumberFormat(language, { maximumSignificantDigits: 6 });
    return {
      language,
      t: (key, values) => translate(language, key, values),
      told: (text) => (language === "ru" ? serverRu[text] : undefined) ?? text,
      setLanguage: (chosen) => {
        localStorage.setItem(storageKey, chosen);
        setLanguage(chosen);
      },
      number: (value) => numbers.format(value),
      date: (value) => dates.format(new Date(value)),
    };
  }, [language]);
  return <Context.Provider value={texts}>{children}</Context.Provider>;
}

export function useTexts(): Texts {
  const texts = useContext(Context);
  if (!texts) throw new Error("outside of TextsProvider");
  return texts;
}
