// Numbers as people read them: counts, bytes in units of 1024, milliseconds.
import { useMemo } from "react";

import { useTexts } from "../../texts/texts";

const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

export function useFormats() {
  const { number } = useTexts();
  return useMemo(() => {
    const rounded = (value: number) => {
      const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
      return number(Number(value.toFixed(digits)));
    };
    return {
      count: (value: number) => number(value),
      bytes: (value: number) => {
        let size = value;
        let unit = 0;
        for (; size >= 1024 && unit < units.length - 1; ++unit) size /= 1024;
        return `${unit === 0 ? number(size) : rounded(size)} ${units[unit]}`;
      },
      ms: (value: number) => `${rounded(value)} ms`,
    };
  }, [number]);
}
