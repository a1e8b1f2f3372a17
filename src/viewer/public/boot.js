// Runs before the app, in any browser: says why the app cannot start where it cannot. Never a blank page.
(() => {
  const say = (text) => {
    const place = document.getElementById('boot-text');
    if (place) place.textContent = text;
  };
  const whenReady = (run) => {
    if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', run);
    else run();
  };
  if (location.protocol === 'file:') {
    whenReady(() =>
      say(
        'Browsers do not run this app from a file. Serve its folder over HTTP, for instance with "python3 -m http.server", and open the address it prints; or use "nextgait view".',
      ),
    );
    return;
  }
  // An app that has not started after this long has failed or is still on its way over a slow connection.
  setTimeout(
    () => say('Still loading. If this stays: reload, or use a current Firefox, Chrome, Edge or Safari.'),
    8000,
  );
  window.addEventListener(
    'error',
    (event) => {
      const target = event.target;
      const address = target && (target.src || target.href);
      if (address)
        say(
          `A part of the app could not be loaded (${address}). Reload the page; if it stays, copy or build the app again.`,
        );
      else if (document.getElementById('boot'))
        say(`The app cannot start here (${event.message}). Use a current Firefox, Chrome, Edge or Safari.`);
    },
    true,
  );
})();
