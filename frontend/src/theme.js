// Runs before the first paint, so that a page chosen to be dark never flashes
// light. Not a module: modules wait for the document.
try {
  const theme = JSON.parse(sessionStorage.getItem("unmask") ?? localStorage.getItem("unmask") ?? "{}").view?.theme;
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // No storage: the system's theme it is.
}
