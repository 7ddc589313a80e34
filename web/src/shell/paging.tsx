// Long lists are shown a piece at a time.
import { Button, SearchBox } from "@fluentui/react-components";
import { useState } from "react";

import { useTexts } from "../texts/texts";

export const pageSize = 100;

/** The first entries that have the words that were typed, and more of them on demand. */
export function usePaged<T>(list: T[], textOf: (one: T) => string) {
  const [search, setSearch] = useState("");
  const [limit, setLimit] = useState(pageSize);
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const found =
    words.length === 0 ? list : list.filter((one) => words.every((word) => textOf(one).toLowerCase().includes(word)));
  return {
    shown: found.slice(0, limit),
    left: Math.max(0, found.length - limit),
    total: list.length,
    search,
    setSearch: (text: string) => {
      setSearch(text);
      setLimit(pageSize);
    },
    more: () => setLimit(limit + pageSize),
  };
}

type Paged = Pick<ReturnType<typeof usePaged>, "search" | "setSearch" | "total" | "left" | "more">;

/** Stands above a list that is long enough to be searched. */
export function ListSearch({ paged }: { paged: Paged }) {
  const { t } = useTexts();
  if (paged.total <= 10 && paged.search === "") return null;
  return (
    <SearchBox
      className="list-search"
      aria-label={t("common.search")}
      placeholder={t("common.search")}
      value={paged.search}
      onChange={(_, data) => paged.setSearch(data.value)}
    />
  );
}

export function MoreButton({ paged }: { paged: Paged }) {
  const { t, number } = useTexts();
  if (paged.left === 0) return null;
  return (
    <div className="more">
      <Button onClick={paged.more}>{t("common.more", { left: number(paged.left) })}</Button>
    </div>
  );
}
