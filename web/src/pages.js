// The one script of the pages for users: copies, saves and prints what stands on the page. Every page
// works without it; the buttons that need it are hidden until it is here.
const text = (id) => {
  const from = document.getElementById(id);
  const rows = [...from.querySelectorAll("li")];
  // A secret is shown in groups of four; what is typed elsewhere has none.
  return rows.length ? rows.map((li) => `${li.textContent}\n`).join("") : from.textContent.replaceAll(" ", "");
};

const said = document.createElement("span");
said.className = "vh";
said.setAttribute("role", "status");
document.getElementById("main")?.append(said);

function tell(words) {
  said.textContent = words;
  setTimeout(() => (said.textContent = ""), 2000);
}

async function copy(button) {
  const use = button.querySelector("use");
  await navigator.clipboard.writeText(text(button.dataset.copy));
  use?.setAttribute("href", "#i-check");
  tell("Copied");
  setTimeout(() => use?.setAttribute("href", "#i-copy"), 2000);
}

function save(button) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text(button.dataset.save)], { type: "text/plain" }));
  link.download = button.dataset.name;
  link.click();
  URL.revokeObjectURL(link.href);
}

const acts = { copy, save, print: () => print() };
for (const [name, act] of Object.entries(acts))
  for (const button of document.querySelectorAll(`button[data-${name}]`)) {
    button.hidden = false;
    button.addEventListener("click", () => void act(button));
  }
