// Undo and redo of a value.
import { useCallback, useState } from "react";

interface State<T> {
  past: T[];
  present: T;
  future: T[];
}
const stepsMax = 200;

export function useHistory<T>(first: T) {
  const [state, setState] = useState<State<T>>({ past: [], present: first, future: [] });
  const set = useCallback(
    (change: (before: T) => T) =>
      setState((was) => {
        const present = change(was.present);
        if (present === was.present) return was;
        return { past: [...was.past, was.present].slice(-stepsMax), present, future: [] };
      }),
    [],
  );
  const undo = useCallback(
    () =>
      setState((was) => {
        const present = was.past.at(-1);
        if (present === undefined) return was;
        return { past: was.past.slice(0, -1), present, future: [was.present, ...was.future] };
      }),
    [],
  );
  const redo = useCallback(
    () =>
      setState((was) => {
        const [present, ...future] = was.future;
        if (present === undefined) return was;
        return { past: [...was.past, was.present], present, future };
      }),
    [],
  );
  return { value: state.present, set, undo, redo, canUndo: state.past.length > 0, canRedo: state.future.length > 0 };
}
