import { useWords } from "../../lib/i18n";
import type { Person } from "../../model/types";
import s from "./person.module.css";

/** What is known of the person, as it was given. */
export function Attributes({ person }: { person: Person }) {
  const t = useWords();
  const list = Object.entries(person.attributes ?? {});
  if (list.length === 0) return null;
  return (
    <section className={s.part}>
      <h3>{t("person.attributes")}</h3>
      <dl className={s.dl}>
        {list.map(([k, v]) => (
          <div key={k}>
            <dt>{k}</dt>
            <dd title={v}>{v}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
