// Package guards holds no code, only tests of what must stay true of the whole
// tree and of the module that is built from it, whatever else changes: what the
// module imports and exports, how large it is, which packages it is made of, and
// a few rules about the sources.
//
// "make test" builds the module and says where it is, in HOLDFAST_WASM.
package guards
