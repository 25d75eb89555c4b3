package ROOT.domain.core.filldata;

import java.util.ArrayList;
import java.util.List;

public final class LHCFillSet {
    private final List<Integer> numbers = new ArrayList<>();

    /** For the service. */
    public void add(int number) {
        numbers.add(number);
    }

    public List<Integer> getFillNumbers() {
        return numbers;
    }
}
