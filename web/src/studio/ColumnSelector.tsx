// Launch column selector: columns by name from two lists, or with rules.
import {
  Button,
  Checkbox,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  Input,
  Radio,
  RadioGroup,
  SearchBox,
  Select,
  Tab,
  TabList,
} from "@fluentui/react-components";
import {
  AddRegular,
  CheckmarkRegular,
  ChevronLeftRegular,
  ChevronRightRegular,
  DeleteRegular,
} from "@fluentui/react-icons";
import { useState } from "react";

import type { ColumnSchema } from "../api/studio";
import { useTexts } from "../texts/texts";
import { columnTypes, plainNames, readSelection, type Rule, type Selection, writeSelection } from "./selection";

interface Props {
  value: unknown;
  columns: ColumnSchema[] | undefined;
  close: () => void;
  accept: (value: string) => void;
}

function NameList({
  title,
  columns,
  marked,
  mark,
  pick,
}: {
  title: string;
  columns: ColumnSchema[];
  marked: Set<string>;
  mark: (names: Set<string>) => void;
  pick: (name: string) => void;
}) {
  const { t } = useTexts();
  const [search, setSearch] = useState("");
  const shown = columns.filter((one) => one.Name.toLowerCase().includes(search.toLowerCase()));
  const toggle = (name: string) => {
    const next = new Set(marked);
    if (!next.delete(name)) next.add(name);
    mark(next);
  };
  return (
    <fieldset className="name-list">
      <legend>{title}</legend>
      <SearchBox
        size="small"
        aria-label={t("columns.search", { list: title })}
        placeholder={t("columns.searchHint")}
        value={search}
        onChange={(_, data) => setSearch(data.value)}
      />
      <ul>
        {shown.map((one) => (
          <li key={one.Name} onDoubleClick={() => pick(one.Name)}>
            <Checkbox label={one.Name} checked={marked.has(one.Name)} onChange={() => toggle(one.Name)} />
            <span className="quiet">{one.Type}</span>
          </li>
        ))}
        {shown.length === 0 && <li className="quiet">{t("columns.none")}</li>}
      </ul>
    </fieldset>
  );
}

function ByName({ names, columns, change }: { names: string[]; columns: ColumnSchema[]; change: (names: string[]) => void }) {
  const { t } = useTexts();
  const [left, setLeft] = useState(new Set<string>());
  const [right, setRight] = useState(new Set<string>());
  const types = new Map(columns.map((one) => [one.Name, one.Type]));
  const choose = (more: Iterable<string>) => {
    change([...names, ...[...more].filter((name) => !names.includes(name))]);
    setLeft(new Set());
  };
  const dismiss = (less: Set<string>) => {
    change(names.filter((name) => !less.has(name)));
    setRight(new Set());
  };
  return (
    <div className="by-name">
      <NameList
        title={t("columns.available")}
        columns={columns.filter((one) => !names.includes(one.Name))}
        marked={left}
        mark={setLeft}
        pick={(name) => choose([name])}
      />
      <div className="by-name-buttons">
        <Button icon={<ChevronRightRegular />} aria-label={t("columns.add")} disabled={left.size === 0} onClick={() => choose(left)} />
        <Button
          icon={<ChevronLeftRegular />}
          aria-label={t("columns.remove")}
          disabled={right.size === 0}
          onClick={() => dismiss(right)}
        />
      </div>
      <NameList
        title={t("columns.selected")}
        columns={names.map((name) => ({ Name: name, Type: types.get(name) ?? "" }))}
        marked={right}
        mark={setRight}
        pick={(name) => dismiss(new Set([name]))}
      />
    </div>
  );
}

function blankRule(action: Rule["action"], kind: Rule["kind"]): Rule {
  if (kind === "names") return { action, kind, names: [] };
  if (kind === "type") return { action, kind, type: "String" };
  return { action, kind };
}

function RuleRow({ rule, change, drop }: { rule: Rule; change: (rule: Rule) => void; drop: () => void }) {
  const { t } = useTexts();
  return (
    <div className="rule">
      <Select
        aria-label={t("columns.action")}
        value={rule.action}
        onChange={(_, data) => change({ ...rule, action: data.value as Rule["action"] })}
      >
        <option value="include">{t("columns.include")}</option>
        <option value="exclude">{t("columns.exclude")}</option>
      </Select>
      <Select
        aria-label={t("columns.kind")}
        value={rule.kind}
        onChange={(_, data) => change(blankRule(rule.action, data.value as Rule["kind"]))}
      >
        <option value="names">{t("columns.kindNames")}</option>
        <option value="indices">{t("columns.kindIndices")}</option>
        <option value="type">{t("columns.kindType")}</option>
        <option value="features">{t("columns.kindFeatures")}</option>
        <option value="labels">{t("columns.kindLabels")}</option>
        <option value="all">{t("columns.kindAll")}</option>
      </Select>
      {rule.kind === "names" && (
        <Input
          aria-label={t("columns.kindNames")}
          placeholder="Col1, Col2"
          defaultValue={(rule.names ?? []).join(", ")}
          onChange={(_, data) =>
            change({ ...rule, names: data.value.split(",").map((one) => one.trim()).filter(Boolean) })
          }
        />
      )}
      {rule.kind === "indices" && (
        <Input
          aria-label={t("columns.kindIndices")}
          placeholder="1-4, 8"
          value={rule.indices ?? ""}
          onChange={(_, data) => change({ ...rule, indices: data.value })}
        />
      )}
      {rule.kind === "type" && (
        <Select
          aria-label={t("columns.kindType")}
          value={rule.type ?? "String"}
          onChange={(_, data) => change({ ...rule, type: data.value })}
        >
          {columnTypes.map((type) => (
            <option key={type}>{type}</option>
          ))}
        </Select>
      )}
      <Button appearance="subtle" icon={<DeleteRegular />} aria-label={t("columns.dropRule")} onClick={drop} />
    </div>
  );
}

function WithRules({ selection, change }: { selection: Selection; change: (selection: Selection) => void }) {
  const { t } = useTexts();
  const rules = selection.rules;
  const setRules = (next: Rule[]) => change({ ...selection, rules: next });
  return (
    <div className="with-rules">
      <fieldset>
        <legend>{t("columns.begin")}</legend>
        <RadioGroup
          layout="horizontal"
          aria-label={t("columns.begin")}
          value={selection.begin}
          onChange={(_, data) => change({ ...selection, begin: data.value as Selection["begin"] })}
        >
          <Radio value="none" label={t("columns.beginNone")} />
          <Radio value="all" label={t("columns.beginAll")} />
        </RadioGroup>
      </fieldset>
      {rules.map((rule, i) => (
        <RuleRow
          key={i}
          rule={rule}
          change={(next) => setRules(rules.map((one, j) => (i === j ? next : one)))}
          drop={() => setRules(rules.filter((_, j) => i !== j))}
        />
      ))}
      <Button icon={<AddRegular />} onClick={() => setRules([...rules, blankRule("include", "names")])}>
        {t("columns.addRule")}
      </Button>
      <Checkbox
        label={t("columns.keepOrder")}
        checked={selection.keepOrder}
        onChange={(_, data) => change({ ...selection, keepOrder: data.checked === true })}
      />
    </div>
  );
}

export function ColumnSelector({ value, columns, close, accept }: Props) {
  const { t } = useTexts();
  const [selection, setSelection] = useState(() => readSelection(value));
  const names = plainNames(selection);
  const hasRules = !names && selection.rules.length > 0;
  const [tab, setTab] = useState(columns && !hasRules ? "name" : "rules");
  return (
    <Dialog open onOpenChange={(_, data) => !data.open && close()}>
      <DialogSurface className="medium-dialog" aria-describedby={undefined}>
        <DialogBody>
          <DialogTitle>{t("columns.title")}</DialogTitle>
          <DialogContent className="selector">
            <TabList selectedValue={tab} onTabSelect={(_, data) => setTab(String(data.value))}>
              <Tab value="name">{t("columns.byName")}</Tab>
              <Tab value="rules">{t("columns.withRules")}</Tab>
            </TabList>
            {tab === "name" && !columns && <p>{t("columns.unknown")}</p>}
            {tab === "name" && columns && hasRules && <p>{t("columns.hasRules")}</p>}
            {tab === "name" && columns && (
              <ByName
                names={names ?? []}
                columns={columns}
                change={(next) =>
                  setSelection({ begin: "none", keepOrder: false, rules: [{ action: "include", kind: "names", names: next }] })
                }
              />
            )}
            {tab === "rules" && <WithRules selection={selection} change={setSelection} />}
          </DialogContent>
          <DialogActions>
            <Button onClick={close}>{t("common.cancel")}</Button>
            <Button appearance="primary" icon={<CheckmarkRegular />} onClick={() => accept(writeSelection(selection))}>
              {t("common.ok")}
            </Button>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}
