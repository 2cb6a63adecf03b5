import type { ReactNode } from "react";
import { Logo } from "../../ui/Logo";
import s from "./signin.module.css";

/** The page before anybody is signed in. */
export function Frame({ title, note, children }: { title: string; note?: string; children: ReactNode }) {
  return (
    <main className={s.page}>
      <section className={s.card}>
        <div className={s.logo}>
          <Logo size={26} />
          <span>Parley</span>
        </div>
        <h1>{title}</h1>
        {note ? <p className={s.note}>{note}</p> : null}
        {children}
      </section>
    </main>
  );
}
