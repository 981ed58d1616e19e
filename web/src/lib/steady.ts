/**
 * Keeps an element where the eye and the pointer have it, while what stands above it grows or shrinks. It corrects the scroll
 * position of the box around it, and adds a margin where that cannot scroll further.
 */
export function steady(active: () => boolean): (node: HTMLElement) => () => void {
  return (node) => {
    const boxes = ancestors(node);
    const box = boxes.find((one) => /auto|scroll/.test(getComputedStyle(one).overflowY)) ?? document.documentElement;
    let top = node.getBoundingClientRect().top;
    const remember = (): void => {
      top = node.getBoundingClientRect().top;
    };
    const correct = (): void => {
      const moved = node.getBoundingClientRect().top - top;
      if (active() && Math.abs(moved) >= 1) {
        box.scrollTop += moved;
        const left = node.getBoundingClientRect().top - top;
        if (left <= -1) node.style.marginTop = `${(parseFloat(node.style.marginTop) || 0) - left}px`;
      }
      remember();
    };
    const sizes = new ResizeObserver(correct);
    for (const one of boxes.slice(0, boxes.indexOf(box))) sizes.observe(one);
    box.addEventListener('scroll', remember, { passive: true });
    return () => {
      sizes.disconnect();
      box.removeEventListener('scroll', remember);
    };
  };
}

function ancestors(node: HTMLElement): HTMLElement[] {
  const found: HTMLElement[] = [];
  for (let one = node.parentElement; one; one = one.parentElement) found.push(one);
  return found;
}
