import { Modal } from "@mantine/core";
import { type Action, actions } from "../lib/actions";
import { type Key, useWords } from "../lib/i18n";
import { overlay } from "../lib/prefs";
import { useStore } from "../lib/store";
import { Keys } from "../ui/parts";
import s from "./overlays.module.css";

const groups: { id: Action["group"]; word: Key }[] = [
  { id: "list", word: "group.list" },
  { id: "conversation", word: "group.conversation" },
  { id: "write", word: "group.write" },
  { id: "go", word: "group.go" },
  { id: "app", word: "group.app" },
];

/** Every key that works here and now. */
export function KeySheet() {
  const t = useWords();
  const all = useStore(actions);
  return (
    <Modal
      opened
      onClose={() => overlay.set("none")}
      title={t("nav.keys")}
      size={680}
      lockScroll={false}
      transitionProps={{ duration: 140 }}
      closeButtonProps={{ "aria-label": t("action.close") }}
    >
      <div className={s.sheet}>
        {groups.map((g) => {
          const list = all.filter((a) => a.group === g.id && a.combo);
          return list.length === 0 ? null : (
            <section key={g.id}>
              <h3>{t(g.word)}</h3>
              <dl>
                {list.map((a) => (
                  <div key={a.id}>
                    <dt>{t(a.title)}</dt>
                    <dd>
                      <Keys combo={a.combo ?? ""} />
                    </dd>
                  </div>
                ))}
              </dl>
            </section>
          );
        })}
      </div>
    </Modal>
  );
}
