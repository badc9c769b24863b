// What scripts say to people: the words stand in templates/_words.html, where they are translated.
const { dataset } = document.getElementById("words");

export const words = (name, values = {}) => dataset[name].replace(/\{(\w+)\}/g, (_, key) => values[key]);
