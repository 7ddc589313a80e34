// What can be put on the canvas, by category, with search. Dragged with the mouse; Enter or a double click puts it into
// the middle.
import { SearchBox } from "@fluentui/react-components";
import { useState } from "react";

import { isSample } from "../api/studio";
import { useTexts } from "../texts/texts";
import type { NodeKind, World } from "./graph";

export const dragType = "application/x-mlgate-module";

export interface PaletteItem {
  kind: NodeKind;
  ref: string;
  name: string;
  help: string;
  path: string[];
}

function useItems(world: World): PaletteItem[] {
  const { t } = useTexts();
  const datasets = [...world.datasets.values()].map<PaletteItem>((one) => ({
    kind: "dataset",
    ref: one.Id,
    name: one.Name,
    help: one.Description,
    path: [t("palette.datasets"), isSample(one) ? t("palette.samples") : t("palette.myDatasets")],
  }));
  const modules = [...world.modules.values()].map<PaletteItem>((one) => ({
    kind: "module",
    ref: one.Id,
    name: one.Name,
    help: one.Description,
    path: one.Category.split(" > "),
  }));
  const service = t("palette.webService");
  const ports: PaletteItem[] = [
    { kind: "input", ref: "", name: t("palette.input"), help: t("palette.inputHelp"), path: [service] },
    { kind: "output", ref: "", name: t("palette.output"), help: t("palette.outputHelp"), path: [service] },
  ];
  return [...datasets, ...modules, ...ports];
}

interface Folder {
  name: string;
  folders: Map<string, Folder>;
  items: PaletteItem[];
}

function tree(items: PaletteItem[]): Folder {
  const root: Folder = { name: "", folders: new Map(), items: [] };
  for (const item of items) {
    let at = root;
    for (const part of item.path) {
      let next = at.folders.get(part);
      if (!next) at.folders.set(part, (next = { name: part, folders: new Map(), items: [] }));
      at = next;
    }
    at.items.push(item);
  }
  return root;
}

function Item({ item, add }: { item: PaletteItem; add: (item: PaletteItem) => void }) {
  return (
    <li>
      <button
        type="button"
        className={`palette-item palette-${item.kind}`}
        draggable
        title={item.help}
        onDragStart={(event) => {
          event.dataTransfer.setData(dragType, JSON.stringify(item));
          event.dataTransfer.effectAllowed = "copy";
        }}
        onDoubleClick={() => add(item)}
        onKeyDown={(event) => {
          if (event.key !== "Enter") return;
          event.preventDefault();
          add(item);
        }}
      >
        {item.name}
      </button>
    </li>
  );
}

function Branch({ folder, open, add }: { folder: Folder; open: boolean; add: (item: PaletteItem) => void }) {
  return (
    <>
      {[...folder.folders.values()].map((one) => (
        <details key={`${one.name}${open}`} open={open}>
          <summary>{one.name}</summary>
          <Branch folder={one} open={open} add={add} />
        </details>
      ))}
      {folder.items.length > 0 && (
        <ul>
          {folder.items.map((item) => (
            <Item key={`${item.kind}${item.ref}${item.name}`} item={item} add={add} />
          ))}
        </ul>
      )}
    </>
  );
}

export function Palette({ world, add }: { world: World; add: (item: PaletteItem) => void }) {
  const { t } = useTexts();
  const [search, setSearch] = useState("");
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const items = useItems(world).filter((item) => {
    const text = [item.name, ...item.path].join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  });
  return (
    <aside className="palette" aria-label={t("palette.title")}>
      <SearchBox
        placeholder={t("palette.search")}
        aria-label={t("palette.search")}
        value={search}
        onChange={(_, data) => setSearch(data.value)}
      />
      <div className="palette-tree">
        {items.length === 0 && <p className="quiet">{t("palette.nothing")}</p>}
        <Branch folder={tree(items)} open={words.length > 0} add={add} />
      </div>
    </aside>
  );
}
