package ROOT.domain.core.constants;

public enum BeamModeValue {
    SETUP, INJPROT, INJPHYS, PRERAMP, RAMP, FLATTOP, SQUEEZE, ADJUST, STABLE, BEAMDUMP, RAMPDOWN,
    NOBEAM, CYCLING;

    public static boolean isBeamModeValue(String text) {
        for (BeamModeValue mode : values()) {
            if (mode.name().equals(text)) {
                return true;
            }
        }
        return false;
    }
}
