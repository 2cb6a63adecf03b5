import { useCallback, useMemo, useRef, useState } from "react";
import { Problem, upload } from "../../lib/http";
import { t } from "../../lib/i18n";
import { bytes } from "../../lib/time";
import { ulid } from "../../lib/ulid";
import { accepts } from "../../model/legs";
import type { Capabilities, Part } from "../../model/types";

export interface Attached {
  key: string;
  name: string;
  size: number;
  mime: string;
  progress: number; // 0 to 1
  part?: Part;
  problem?: string;
  abort: AbortController;
  blob: File;
}

export interface Attachments {
  all: readonly Attached[];
  ready: { part: Part }[];
  busy: boolean;
  bad: boolean;
  add: (files: File[]) => void;
  remove: (key: string) => void;
  retry: (key: string) => void;
  clear: () => void;
}

/** Files on their way: each is uploaded at once and sent by its name. */
export function useAttachments(can: Capabilities | undefined): Attachments {
  const [all, setAll] = useState<readonly Attached[]>([]);
  const limits = useRef(can);
  limits.current = can;

  const patch = useCallback(
    (key: string, p: Partial<Attached>) => setAll((list) => list.map((x) => (x.key === key ? { ...x, ...p } : x))),
    [],
  );
  const start = useCallback(
    async (x: Attached) => {
      try {
        const got = (await upload(
          `/api/files?name=${encodeURIComponent(x.name)}`,
          x.blob,
          (progress) => patch(x.key, { progress }),
          x.abort.signal,
        )) as { id?: string; file?: string };
        const kind = accepts(limits.current, x.mime, x.size).kind;
        patch(x.key, {
          progress: 1,
          part: { kind, name: x.name, mime: x.mime, size: x.size, file: String(got.id ?? got.file ?? "") },
        });
      } catch (e) {
        if (!x.abort.signal.aborted)
          patch(x.key, { problem: e instanceof Problem && e.status !== 0 ? e.words : t("problem.unreachable") });
      }
    },
    [patch],
  );
  const add = useCallback(
    (files: File[]) => {
      const fresh = files.map((blob): Attached => {
        const mime = blob.type || "application/octet-stream";
        const refusal = why(limits.current, mime, blob.size);
        return {
          key: ulid(),
          name: blob.name || t("part.image"),
          size: blob.size,
          mime,
          progress: 0,
          blob,
          abort: new AbortController(),
          ...(refusal ? { problem: refusal } : {}),
        };
      });
      setAll((list) => [...list, ...fresh]);
      for (const x of fresh) if (!x.problem) void start(x);
    },
    [start],
  );
  const remove = useCallback(
    (key: string) =>
      setAll((list) =>
        list.filter((x) => {
          if (x.key === key) x.abort.abort();
          return x.key !== key;
        }),
      ),
    [],
  );
  const retry = useCallback(
    (key: string) =>
      setAll((list) =>
        list.map((x) => {
          if (x.key !== key) return x;
          const { problem: _, ...again } = x;
          const y = { ...again, progress: 0, abort: new AbortController() };
          void start(y);
          return y;
        }),
      ),
    [start],
  );
  const clear = useCallback(() => setAll([]), []);
  const ready = useMemo(() => all.flatMap((x) => (x.part ? [{ part: x.part }] : [])), [all]);
  // a leg may have been chosen since: what it does not take is said here
  const judged = useMemo(
    () =>
      all.map((x) => {
        const refusal = x.problem ?? why(can, x.mime, x.size);
        return refusal ? { ...x, problem: refusal } : x;
      }),
    [all, can],
  );
  return {
    all: judged,
    ready,
    busy: all.some((x) => !x.part && !x.problem),
    bad: judged.some((x) => x.problem),
    add,
    remove,
    retry,
    clear,
  };
}

function why(can: Capabilities | undefined, mime: string, size: number): string | undefined {
  const a = accepts(can, mime, size);
  if (a.ok) return undefined;
  if (a.why === "size") return t("file.tooBig", { max: bytes(a.max ?? 0) });
  if (a.why === "type")
    return t("file.type", { types: (a.types ?? []).map((m) => m.replace(/^.*\//, "").toUpperCase()).join(", ") });
  return t("file.kind");
}
