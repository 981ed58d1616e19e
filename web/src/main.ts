import '@fontsource/ibm-plex-sans-thai/400.css';
import '@fontsource/ibm-plex-sans-thai/500.css';
import '@fontsource/ibm-plex-sans-thai/600.css';
import './styles/tokens.css';
import './styles/base.css';
import { mount } from 'svelte';
import Frame from './shell/Frame.svelte';
import { router } from './shell/router.svelte';
import { session } from './shell/session.svelte';
import { locale } from './lib/i18n.svelte';
import { themeChoice } from './lib/theme.svelte';

locale.init();
themeChoice.init();
router.init();
session.load().catch(() => {}); // the frame shows the page as the public sees it; each page says that it is offline
const target = document.getElementById('app');
if (target) mount(Frame, { target });
