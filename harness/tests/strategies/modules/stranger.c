/* A shared object that is no module: it exports another symbol. */
extern const int midflight_stranger;
const int midflight_stranger = 1;
