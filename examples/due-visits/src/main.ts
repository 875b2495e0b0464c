/** The page: sign in, the list, and the form that it opens. */
import { found } from "./dom.ts";
import { follow } from "./follow.ts";
import { type Labels, readLabels } from "./labels.ts";
import { type Choice, matching, readVisits, showVisits, type Visit } from "./list.ts";
import { explain } from "./problems.ts";
import { openRecord } from "./record.ts";
import { Session } from "./session.ts";
import { askingAgain, signInForm } from "./sign-in.ts";
import { type Language, language, speak, word } from "./words.ts";

const languages = found<HTMLSelectElement>("#language");
const filter = found<HTMLFormElement>("#filter");
const choice = found<HTMLSelectElement>('[name="show"]', filter);

/** Forget everything: the page is loaded anew, and with it goes all that was in memory. */
async function leave(session: Session): Promise<void> {
  try {
    await session.end();
  } finally {
    location.reload();
  }
}

function welcome(): void {
  const place = found("#welcome");
  const form = signInForm(async (given) => {
    const session: Session = await Session.begin(
      given,
      askingAgain(() => void leave(session)),
    );
    const labels = await readLabels(session);
    const { data: study } = await session.call((trial) => trial.GET("/v1/study"));
    place.hidden = true;
    place.replaceChildren();
    work(session, labels, study.time_zone);
  });
  place.replaceChildren(form);
  place.hidden = false;
  languages.onchange = () => {
    speak(languages.value as Language);
    welcome();
  };
}

function work(session: Session, labels: Labels, zone: string): void {
  let visits: Visit[] | null = null;
  const place = found("#visits");
  const news = found("#news");
  const trouble = found("#trouble");
  const signOut = found("#sign-out");

  const draw = () => {
    if (visits === null) return;
    showVisits(place, matching(visits, filter), labels, session, (visit) => {
      openRecord({ session, labels, zone, visit }, (text) => {
        news.textContent = text;
        void load();
      });
    });
  };

  let latest = 0;
  const load = async () => {
    const number = ++latest;
    try {
      const read = await readVisits(session, choice.value as Choice);
      // An answer that was overtaken by a later one says what was.
      if (number !== latest) return;
      trouble.textContent = "";
      if (JSON.stringify(read) === JSON.stringify(visits)) return;
      visits = read;
      draw();
    } catch (failure) {
      if (number === latest) trouble.textContent = [word("notReadable"), ...explain(failure)].join(" ");
    }
  };

  found("#list").hidden = false;
  found("#who").textContent = session.me.name;
  place.textContent = word("loading");
  signOut.hidden = false;
  signOut.onclick = () => leave(session);
  filter.onsubmit = (event) => event.preventDefault();
  filter.oninput = draw;
  choice.onchange = load;
  languages.onchange = async () => {
    speak(languages.value as Language);
    news.textContent = "";
    labels = await readLabels(session);
    draw();
  };
  void follow(session, () => void load(), new AbortController().signal);
}

speak(language());
languages.value = language();
welcome();
