"""The pipeline's stages, one thin script each: read params, call one library function, write outs."""
