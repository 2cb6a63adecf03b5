import { Modal, Select, TextInput } from "@mantine/core";
import { type FormEvent, type ReactNode, useState } from "react";
import { Problem } from "../../lib/http";
import { addIdentity, cache, erasePerson } from "../../lib/hub";
import { useWords } from "../../lib/i18n";
import { say } from "../../lib/prefs";
import type { Person } from "../../model/types";
import { Button } from "../../ui/parts";
import s from "./person.module.css";

/** Runs a call and tells what went wrong. */
function useCall(close: () => void) {
  const t = useWords();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const run = async (e: FormEvent, call: () => Promise<unknown>, done: string) => {
    e.preventDefault();
    setBusy(true);
    setProblem("");
    try {
      await call();
      say(done);
      close();
    } catch (x) {
      if (!(x instanceof Problem)) throw x;
      setProblem(x.status === 0 ? t("problem.unreachable") : x.words);
    } finally {
      setBusy(false);
    }
  };
  return { busy, problem, run };
}

/** Gives a person a further address that somebody of us vouches for. */
export function AddIdentity({ p, close }: { p: Person; close: () => void }) {
  const t = useWords();
  const [scheme, setScheme] = useState("email");
  const [value, setValue] = useState("");
  const { busy, problem, run } = useCall(close);
  const add = async () => {
    await addIdentity(p.id, scheme, value.trim());
    await cache.invalidateQueries({ queryKey: ["person", p.id] });
  };
  return (
    <Dialog title={t("person.addIdentity")} close={close}>
      <form className={s.dialog} onSubmit={(e) => void run(e, add, t("settings.saved"))}>
        <Select
          label={t("person.identityKind")}
          data={[
            { value: "email", label: t("person.email") },
            { value: "tel", label: t("person.tel") },
          ]}
          value={scheme}
          allowDeselect={false}
          onChange={(v) => setScheme(v ?? "email")}
        />
        <TextInput
          data-autofocus
          label={t("person.identityValue")}
          value={value}
          error={problem || undefined}
          onChange={(e) => setValue(e.currentTarget.value)}
        />
        <p className={s.dialogHelp}>{t("person.addIdentityHelp")}</p>
        <div className={s.dialogFoot}>
          <Button onClick={close}>{t("settings.cancel")}</Button>
          <Button look="primary" type="submit" busy={busy} disabled={!value.trim()}>
            {t("person.addDo")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** Erases a person, once their name was typed. */
export function Erase({ p, close }: { p: Person; close: () => void }) {
  const t = useWords();
  const [typed, setTyped] = useState("");
  const { busy, problem, run } = useCall(close);
  const erase = async () => {
    await erasePerson(p.id, typed);
    await cache.invalidateQueries();
  };
  return (
    <Dialog title={t("person.eraseSure", { name: p.name })} close={close}>
      <form className={s.dialog} onSubmit={(e) => void run(e, erase, t("person.erased"))}>
        <p className={s.dialogHelp}>{t("person.eraseHelp")}</p>
        <TextInput
          data-autofocus
          label={t("person.eraseConfirm", { name: p.name })}
          value={typed}
          error={problem || undefined}
          autoComplete="off"
          onChange={(e) => setTyped(e.currentTarget.value)}
        />
        <div className={s.dialogFoot}>
          <Button onClick={close}>{t("settings.cancel")}</Button>
          <Button look="danger" type="submit" busy={busy} disabled={typed.trim() !== p.name.trim()}>
            {t("person.eraseDo")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function Dialog({ title, close, children }: { title: string; close: () => void; children: ReactNode }) {
  const t = useWords();
  return (
    <Modal
      opened
      onClose={close}
      title={title}
      size={420}
      centered
      lockScroll={false}
      transitionProps={{ duration: 140 }}
      closeButtonProps={{ "aria-label": t("action.close") }}
    >
      {children}
    </Modal>
  );
}
