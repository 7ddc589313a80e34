// A policy by a form that is made from its declaration; the text goes to the end of a section.
import { Button, Field, Input, Select } from "@fluentui/react-components";
import { AddRegular } from "@fluentui/react-icons";
import { useState } from "react";

import { useTexts } from "../../texts/texts";
import { FormDialog } from "../FormDialog";
import { type Attribute, attributeText, escapeText, type PolicyDescription, sectionNames } from "./schema";

type Values = Record<string, string>;

function xmlOf(policy: PolicyDescription, attributes: Values, texts: Values): string {
  const written = policy.attributes
    .filter(({ name }) => (attributes[name] ?? "") !== "")
    .map(({ name }) => `${name}="${attributeText(attributes[name]!)}"`);
  const head = [policy.name, ...written].join(" ");
  const inner = policy.children
    .filter((one) => one.text && (texts[one.name] ?? "") !== "")
    .map(({ name }) => `    <${name}>${escapeText(texts[name]!)}</${name}>`);
  return inner.length === 0 ? `<${head} />` : [`<${head}>`, ...inner, `</${policy.name}>`].join("\n");
}

function AttributeField({ one, value, onChange }: { one: Attribute; value: string; onChange: (value: string) => void }) {
  const { t } = useTexts();
  const range = one.type === "integer" && one.maximum !== undefined ? `${one.minimum ?? 0} - ${one.maximum}. ` : "";
  return (
    <Field label={one.name} required={one.required} hint={range + one.description}>
      {one.values.length > 0 && !one.expression ? (
        <Select value={value} onChange={(_, data) => onChange(data.value)}>
          <option value="">{one.default ? t("policy.default", { value: one.default }) : ""}</option>
          {one.values.map((each) => (
            <option key={each}>{each}</option>
          ))}
        </Select>
      ) : (
        <Input value={value} placeholder={one.default} onChange={(_, data) => onChange(data.value)} />
      )}
    </Field>
  );
}

interface Props {
  policies: PolicyDescription[];
  /** False without a document to add to. */
  add: (section: string, xml: string) => boolean;
}

function AddPolicyDialog({ policies, add, close }: Props & { close: () => void }) {
  const { t } = useTexts();
  const [section, setSection] = useState("inbound");
  const [name, setName] = useState("");
  const [attributes, setAttributes] = useState<Values>({});
  const [texts, setTexts] = useState<Values>({});
  const [refused, setRefused] = useState(false);
  const here = policies.filter((one) => one.sections.includes(section));
  const policy = here.find((one) => one.name === name) ?? here[0];
  const choose = (next: string) => {
    setName(next);
    setAttributes({});
    setTexts({});
  };
  const ready = policy?.attributes.every((one) => !one.required || (attributes[one.name] ?? "") !== "") ?? false;
  return (
    <FormDialog
      title={t("policy.add")}
      accept={t("policy.insert")}
      ready={ready}
      busy={false}
      error={refused ? new Error(t("policy.noDocument")) : undefined}
      submit={() => {
        if (policy && add(section, xmlOf(policy, attributes, texts))) close();
        else setRefused(true);
      }}
      close={close}
    >
      <Field label={t("policy.section")}>
        <Select value={section} onChange={(_, data) => setSection(data.value)}>
          {sectionNames.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </Select>
      </Field>
      <Field label={t("policy.policy")} hint={policy?.description}>
        <Select value={policy?.name ?? ""} onChange={(_, data) => choose(data.value)}>
          {here.map((one) => (
            <option key={one.name}>{one.name}</option>
          ))}
        </Select>
      </Field>
      {policy?.attributes.map((one) => (
        <AttributeField
          key={`${policy.name} ${one.name}`}
          one={one}
          value={attributes[one.name] ?? ""}
          onChange={(value) => setAttributes({ ...attributes, [one.name]: value })}
        />
      ))}
      {policy?.children
        .filter((one) => one.text)
        .map((one) => (
          <Field key={`${policy.name} <${one.name}>`} label={`<${one.name}>`}>
            <Input value={texts[one.name] ?? ""} onChange={(_, data) => setTexts({ ...texts, [one.name]: data.value })} />
          </Field>
        ))}
    </FormDialog>
  );
}

export function AddPolicy(props: Props) {
  const { t } = useTexts();
  const [open, setOpen] = useState(false);
  if (props.policies.length === 0) return null;
  return (
    <>
      <Button icon={<AddRegular />} onClick={() => setOpen(true)}>
        {t("policy.add")}
      </Button>
      {open && <AddPolicyDialog {...props} close={() => setOpen(false)} />}
    </>
  );
}
