// Boxes to mark some of a list, which may be long.
import { Checkbox } from "@fluentui/react-components";

import { ListSearch, MoreButton, usePaged } from "./paging";

interface Props {
  list: { name: string; properties: { displayName: string } }[];
  /** Names of those that are marked. */
  marked: Set<string>;
  disabled?: boolean;
  onChange: (name: string, on: boolean) => void;
}

export function CheckList({ list, marked, disabled, onChange }: Props) {
  const paged = usePaged(list, (one) => one.properties.displayName);
  return (
    <div className="check-list">
      <ListSearch paged={paged} />
      {paged.shown.map((one) => (
        <Checkbox
          key={one.name}
          label={one.properties.displayName}
          checked={marked.has(one.name)}
          disabled={disabled}
          onChange={(_, data) => onChange(one.name, data.checked === true)}
        />
      ))}
      <MoreButton paged={paged} />
    </div>
  );
}
