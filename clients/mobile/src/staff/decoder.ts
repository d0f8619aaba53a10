// A file of its own, so that the decoder has one in the build too, with a plain name, fetched when it is needed.
// #ifdef H5
export { BarcodeDetector, prepareZXingModule } from 'barcode-detector/ponyfill'
// #endif
