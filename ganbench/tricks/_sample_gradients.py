"""Why a penalty on ‖∇ₓD‖ has no meaning with some discriminators."""

NO_GRADIENT_OF_ONE_SAMPLE = {
    "couples samples": "the gradient of one sample's logit would hold the other samples' too",
    "random discriminator": "the penalty would differentiate the noise of the discriminator",
}
